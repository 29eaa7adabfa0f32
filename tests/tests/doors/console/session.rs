//! Signing in and out, and who is refused.

use super::{
    stage::{LONG, Stage},
    visitor::Visitor,
};
use api::http::auth::Role;
use reqwest::Method;
use tests::support::wait_until;

#[tokio::test]
async fn whoever_has_no_session_is_asked_for_a_token_and_led_back() {
    let stage = Stage::set().await;
    let nobody = Visitor::new(&stage);
    let turned = nobody.get("/console/audit?actor=grace").await.is(303);
    assert_eq!(turned.header("location"), "/console/sign-in?next=%2Fconsole%2Faudit%3Factor%3Dgrace");
    let form = nobody.get(turned.header("location")).await.is(200).says("Token");
    assert_eq!(form.field("next"), "/console/audit?actor=grace");

    let token = stage.token(Role::Operator, "grace").await;
    let signed_in = nobody.sign_in(&token, "/console/audit?actor=grace").await.is(303);
    assert_eq!(signed_in.header("location"), "/console/audit?actor=grace");
    nobody.get("/console/audit?actor=grace").await.is(200).says("grace · operator");
    for elsewhere in ["//evil.example", "https://evil.example/console"] {
        assert_eq!(nobody.sign_in(&token, elsewhere).await.is(303).header("location"), "/console");
    }
}

#[tokio::test]
async fn customers_and_services_have_no_business_here_and_what_is_no_token_is_told_so() {
    let stage = Stage::set().await;
    let nobody = Visitor::new(&stage);
    let customer = stage.customer("Ada").await;
    let service = stage.token(Role::Service, "box-office").await;
    for token in [customer, service] {
        let refused = nobody.sign_in(&token, "").await.is(403).says("can't be used here");
        assert_eq!(refused.header("set-cookie"), "");
    }
    nobody.sign_in("nonsense", "").await.is(401).says("not a token");
    nobody.sign_in("usr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "").await.is(401).says("unknown");
    // A page of another site signs nobody in.
    let token = stage.token(Role::Operator, "grace").await;
    let foreign = [("sec-fetch-site", "cross-site")];
    nobody.send(Method::POST, "/console/sign-in", &[("token", &token)], &foreign).await.is(403);
}

#[tokio::test]
async fn the_cookie_is_for_this_site_alone_and_no_script_reads_it() {
    let stage = Stage::set().await;
    let token = stage.token(Role::Auditor, "mary").await;
    let set = Visitor::new(&stage).sign_in(&token, "").await.is(303).header("set-cookie").to_owned();
    assert!(set.starts_with("usher-console="), "{set}");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains(&token), "{set}");
    let behind_https = Stage::with(&[("USHER_HTTP_PUBLIC_URL", "https://usher.example")]).await;
    let token = behind_https.token(Role::Auditor, "mary").await;
    let set = Visitor::new(&behind_https).sign_in(&token, "").await.is(303).header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-usher-console=") && set.contains("; Secure"), "{set}");
}

#[tokio::test]
async fn a_forged_or_foreign_cookie_is_none() {
    let stage = Stage::set().await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let good = grace.cookie.lock().unwrap().clone();
    let other_key = Stage::with(&[("USHER_HTTP_SESSION_KEY", "another key that is also long enough")]).await;
    let stranger = Visitor::new(&other_key);
    *stranger.cookie.lock().unwrap() = good.clone();
    stranger.get("/console/audit").await.is(303);
    for forged in ["usher-console=", "usher-console=a.b", &format!("{good}A"), &good.replacen('=', "=A", 1)] {
        *grace.cookie.lock().unwrap() = forged.to_owned();
        grace.get("/console/audit").await.is(303);
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_sessions_and_signing_out_ends_one() {
    let stage = Stage::set().await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let again = stage.visitor(Role::Operator, "again").await;
    grace.get("/console/audit").await.is(200);
    sqlx::query("update booking.tokens set revoked_at = now() where subject = 'grace'")
        .execute(&stage.pool)
        .await
        .unwrap();
    wait_until("the session has ended", LONG, async || {
        (grace.get("/console/audit").await.status == 303).then_some(())
    })
    .await;
    again.post("/console/sign-out", &[]).await.is(303);
    again.get("/console/audit").await.is(303);
}

#[tokio::test]
async fn a_link_from_elsewhere_leads_to_its_page_although_the_cookie_is_strict() {
    let stage = Stage::set().await;
    let nobody = Visitor::new(&stage);
    // A browser that follows a link in a chat sends no cookie, and says that it comes from another site.
    let step =
        nobody.send(Method::GET, "/console/audit", &[], &[("sec-fetch-site", "cross-site")]).await.is(200);
    assert!(step.text.contains("http-equiv=\"refresh\" content=\"0\""), "{}", step.text);
    // The next request comes from our page. Without a session it leads to the form, and not back to itself.
    nobody.get("/console/audit").await.is(303);
}

#[tokio::test]
async fn every_page_shuts_out_what_is_not_ours_and_is_kept_nowhere() {
    let stage = Stage::set().await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    for (path, status) in [
        ("/console", 200),
        ("/console/audit", 200),
        ("/console/sign-in", 200),
        ("/console/nowhere", 404),
        ("/console/sagas/01890a5d-ac96-774b-bcce-b302099a8057", 404),
    ] {
        let page = grace.get(path).await.is(status);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        for part in ["connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(
            !page.text.contains("style=\"") && !page.text.contains("onclick"),
            "{path} has styles or scripts inside"
        );
    }
    assert_eq!(grace.get("/console").await.header("referrer-policy"), "no-referrer");
    let page = grace.get("/console").await.text;
    let script = page.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let asset = grace.get(script).await.is(200);
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(asset.header("content-type").starts_with("text/javascript"));
    grace.get("/console/assets/console.0000000000000000.js").await.is(404);
}
