//! Four bookings for people to watch, and three witnesses that say how they ended.
//!
//! Everything goes through the HTTP API, as a customer's program would do it. What must come of each booking is
//! written down beside it ([`stories`]) and compared with what the database, Redis and the gateway's books say
//! ([`witness`]); only what the witnesses say counts.

mod customer;
mod stories;
mod witness;

use super::once;
use super::stage::Stage;
pub(super) use customer::{Customer, Reserved};
use std::time::{Duration, Instant};
use stories::{STORIES, Story};
use witness::{Facts, Witness};

/// From the customer's last word to the end of a saga: a lease, some retries, a capture.
const END_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Tells every story. True if each ended as it must, and `usher verify` finds nothing wrong.
///
/// # Errors
/// A story could not be told to its end.
pub(super) async fn run(stage: &Stage) -> anyhow::Result<bool> {
    let mut ends = Vec::new();
    for (index, story) in STORIES.iter().enumerate() {
        println!("\n-- {} of {}: {}", index + 1, STORIES.len(), story.title);
        ends.push((story.title, run_story(stage, story).await?));
    }
    println!("\n-- in short");
    for (title, well) in &ends {
        println!("   {}  {title}", if *well { "as it must be" } else { "NOT AS IT MUST BE" });
    }
    let verified = once::run(stage.commands.verify()).await;
    match &verified {
        Ok(_) => println!("   as it must be  usher verify: no invariant violated"),
        Err(error) => println!("   NOT AS IT MUST BE  {error:#}"),
    }
    Ok(verified.is_ok() && ends.iter().all(|(_, well)| *well))
}

/// URLs, tokens and a booking to paste.
///
/// # Errors
/// The node doesn't answer.
pub(super) async fn invite(stage: &Stage) -> anyhow::Result<()> {
    let customer = Customer::new(stage);
    let choice = customer.choose(super::commands::THEATRE, 1).await?;
    let (url, token, seat) = (stage.commands.node_url(), &stage.tokens.customer, &choice.seats[0].seat_id);
    println!(
        r#"
-- now yours
   API {url}   docs {url}/docs   metrics {url}/metrics   gateway's books {gateway}/control/books
   a customer's token   {token}
   an operator's token  {operator}   for the console {url}/console

   U={url} T={token}
   J=(-sS -H "Authorization: Bearer $T" -H 'Content-Type: application/json')
   R=$(curl "${{J[@]}}" -H "Idempotency-Key: r-$RANDOM$RANDOM$RANDOM" $U/reservations -d '{{"seat_id":"{seat}"}}' | sed 's/.*"reservation_id":"\([^"]*\)".*/\1/')
   curl "${{J[@]}}" -H "Idempotency-Key: p-$RANDOM$RANDOM$RANDOM" $U/payments -d '{{"reservation_id":"'$R'","method":"pm_card_visa"}}'; echo
   curl "${{J[@]}}" -H "Idempotency-Key: b-$RANDOM$RANDOM$RANDOM" -H 'Prefer: wait=10' $U/bookings -d '{{"reservation_id":"'$R'"}}'; echo

   serving until Ctrl-C"#,
        gateway = stage.commands.gateway_url(),
        operator = stage.tokens.operator,
    );
    Ok(())
}

/// Runs one story, waits for its end and asks the witnesses.
async fn run_story(stage: &Stage, story: &Story) -> anyhow::Result<bool> {
    let customer = Customer::new(stage);
    let (choice, reserved) = customer.reserve(story.venue, story.seats).await?;
    (story.goes_on)(&customer, stage, &reserved).await?;

    let witness = Witness::call(stage, &reserved, &choice.seat_ids()).await?;
    let expected = story.end.facts(reserved.amount);
    let asked = Instant::now();
    let mut found = witness.testify().await?;
    while found != expected && asked.elapsed() < END_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        found = witness.testify().await?;
    }
    println!("   its saga, step by step:");
    for line in once::run(stage.commands.show_saga(&reserved.saga_id)).await?.lines() {
        println!("      {line}");
    }
    report(&found, &expected);
    Ok(found == expected)
}

fn report(found: &Facts, expected: &Facts) {
    println!("   the witnesses:\n{found}");
    if found != expected {
        println!("   NOT AS IT MUST BE. Expected:\n{expected}");
    }
}
