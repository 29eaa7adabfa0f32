//! Signing in with a token, and out again.

use super::{
    page,
    session::{self, SESSION, Session, Trusted, to_sign_in},
};
use crate::console::Console;
use crate::http::{
    Problem, ProblemType,
    auth::{Caller, Token},
};
use axum::{
    Form,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::Utc;
use maud::{Markup, html};
use serde::Deserialize;

/// The query of the sign-in page: where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Afterwards {
    next: String,
}

/// The form that is sent to sign in.
#[derive(Deserialize)]
pub struct Credentials {
    token: String,
    #[serde(default)]
    next: String,
}

/// Serves the form.
pub async fn form(Query(afterwards): Query<Afterwards>) -> Response {
    answer(StatusCode::OK, &content(&afterwards.next, None))
}

/// Looks up the token and starts a session, or says why not.
pub async fn sign_in(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(sent): Form<Credentials>,
) -> Result<Response, Problem> {
    // There is no session yet whose proof the form could carry, so somebody else's page could sign people in as itself.
    if Trusted::of(&headers, console.origin.as_deref()) == Trusted::Foreign {
        return Err(Problem::new(ProblemType::Forbidden, "this form was sent by a page that is not ours"));
    }
    let refused = |why| answer(StatusCode::UNAUTHORIZED, &content(&sent.next, Some(why)));
    let Some(token) = Token::of_bearer(sent.token.trim()) else {
        return Ok(refused("This is not a token. A token begins with usr_ and has 47 characters."));
    };
    let Some(caller) = Caller::of_hash(&console.http, &token.hash()).await? else {
        return Ok(refused("This token is unknown, expired or revoked."));
    };
    if !session::may_enter(caller.role) {
        let detail = format!(
            "a token of role `{}` can't be used here; the console needs the role `operator` or `auditor`",
            caller.role
        );
        return Err(Problem::new(ProblemType::Forbidden, detail));
    }
    tracing::info!(subject = caller.subject, role = %caller.role, "signed in to the console");
    let sealed = Session::begin(&token.hash(), Utc::now()).seal(&console.key);
    let cookie = console.jar.set(&sealed, SESSION.num_seconds());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(inside(&sent.next))).into_response())
}

/// Removes the cookie.
pub async fn sign_out(State(console): State<Console>) -> Response {
    ([(header::SET_COOKIE, console.jar.clear())], Redirect::to("/console/sign-in")).into_response()
}

/// The answer to a request without a session.
pub fn turned_away(request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/console", |path| path.as_str());
    if request.method() != Method::GET || request.uri().path() == "/console/live" {
        return Problem::new(ProblemType::Unauthenticated, "there is no session, or it has ended: sign in")
            .into_response();
    }
    // A strict cookie is not sent when somebody follows a link from elsewhere, such as a chat. A step from a page of
    // ours brings it along; that step says `same-origin`, so there is one of it at most.
    if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        let content = html! {
            meta http-equiv="refresh" content="0";
            p { a href=(path) { "Continue" } }
        };
        return answer(StatusCode::OK, &content);
    }
    to_sign_in(path)
}

fn answer(status: StatusCode, content: &Markup) -> Response {
    // Under `no-referrer` browsers would send `Origin: null` with this form, which is guarded by its origin alone.
    let referrer = (header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    (status, [referrer], Html(page::bare("Sign in", content).into_string())).into_response()
}

fn content(next: &str, wrong: Option<&str>) -> Markup {
    html! {
        section.sign-in {
            h1 { "Usher" }
            p { "The operators' console. Sign in with a token of role " code { "operator" } ", or " code { "auditor" } " to read." }
            @if let Some(wrong) = wrong {
                p.wrong role="alert" { (wrong) }
            }
            form method="post" action="/console/sign-in" {
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password" autofocus;
                input type="hidden" name="next" value=(inside(next));
                button.main { "Sign in" }
            }
            p.faint { "Made by " code { "usher token create --role operator --subject …" } ". You stay signed in for twelve hours." }
        }
    }
}

/// The wanted page if it is one of ours, otherwise the first page: a link to us must lead nobody elsewhere.
fn inside(next: &str) -> &str {
    let ours =
        next.strip_prefix("/console").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours && plain && !next.starts_with("/console/sign-in") { next } else { "/console" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for good in ["/console", "/console?x=1", "/console/sagas/0199?a=b#e3"] {
            assert_eq!(inside(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/consolevil",
            "https://evil.example/console",
            "/console/\\evil",
            "/console/\nx",
            "/console/sign-in",
        ] {
            assert_eq!(inside(bad), "/console", "{bad}");
        }
    }
}
