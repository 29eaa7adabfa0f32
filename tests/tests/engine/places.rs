//! Places for calls: each service has its own, and a saga that waits for one holds no lease.

use futures_util::future::join_all;
use orchestrator::{
    BatchScope, Call, Ended, Failure, FromRef, Policy, Saga, Settings, Step, StepError, Workflow,
};
use rstest::rstest;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tests::{
    play::{Act, Desk, Gate, Part, Play, QUICK, Stage, ask, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(30);

/// Another service than the desk.
#[derive(Clone)]
struct Bell;

impl FromRef<Desk> for Bell {
    fn from_ref(_: &Desk) -> Self {
        Self
    }
}

#[derive(Serialize, Deserialize)]
struct Ring;

impl Step for Ring {
    const NAME: &'static str = "ring";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    type Output = ();
    type Medium = Call<Bell>;
    type Undo = ();

    async fn run(&self, _: &mut Call<Bell>) -> Result<(), StepError> {
        Ok(())
    }

    async fn compensate(&self, _: &mut Call<Bell>, _: Option<()>) -> Result<(), StepError> {
        Ok(())
    }
}

struct Ringing;

impl Workflow for Ringing {
    const NAME: &'static str = "ringing";
    type Steps = (Ring,);
    type Input = ();
    type Output = ();

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<(), Failure> {
        Ok(saga.step(Ring).await?)
    }
}

#[rstest]
#[tokio::test]
async fn a_service_that_hangs_takes_no_place_from_another_and_who_waits_holds_no_lease(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    const PLACES: usize = 4;
    let stage = Stage::set_for(scope).await;
    let settings =
        Settings { calls_max: PLACES, lease: Duration::from_millis(500), ..stage.settings("node") };
    let node = stage.builder(settings).workflow::<Ringing>().start().await.unwrap();
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let starts = (0..30)
        .map(|_| async { node.client().start::<Play>(Part::of([ask("car"), note("end")])).await.unwrap() });
    let plays = join_all(starts).await;
    let leased = async || -> i64 {
        let leased = "select count(*) from usher.sagas where leased";
        sqlx::query_scalar(leased).fetch_one(&stage.pool).await.unwrap()
    };
    wait_until("every place is taken", LONG, async || (leased().await == PLACES as i64).then_some(())).await;

    for _ in 0..20 {
        let rung = node.client().start::<Ringing>(()).await.unwrap();
        assert_eq!(rung.result(Duration::from_secs(5)).await.unwrap(), Ended::Completed(()));
    }
    // The sagas that wait have lost a holder once; waiting counts as no further loss.
    let lost = "update usher.sagas set claims = 1 where not leased and workflow = 'play'";
    sqlx::query(lost).execute(&stage.pool).await.unwrap();
    // Several times as long as the sweep leaves a saga alone that waits for a place.
    stage.pass(Duration::from_secs(4)).await;
    // A saga that lost its holder has a lease for the moment in which it finds that there is still no place.
    wait_until("calls alone have leases", LONG, async || (leased().await == PLACES as i64).then_some(()))
        .await;
    gate.open();
    for play in &plays {
        assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["car".into()]));
        assert_eq!(stage.count_requests(play.id(), "car", false).await, 1);
        assert_eq!(stage.row(play.id()).await.unwrap().claims, 0);
    }
    stage.verify().await;
    node.drain().await;
}
