//! The layers before every page: a session to read, and a proof to write.

use super::{Session, Trusted, Visitor};
use crate::console::Console;
use crate::http::{Problem, ProblemType};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;

/// The longest form: a reason, an output of a few KiB, an id or two.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Lets in people who have signed in. A write must carry this session's proof and come from a page of ours.
/// All writes pass here, so that no handler can forget to ask.
pub async fn signed_in(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Result<Response, Response> {
    let session =
        console.jar.read(request.headers()).and_then(|text| Session::open(text, &console.key, Utc::now()));
    let visitor = match session {
        Some(session) => Visitor::of(&console, session).await.map_err(IntoResponse::into_response)?,
        None => None,
    };
    let Some(visitor) = visitor else { return Ok(super::super::sign_in::turned_away(&request)) };
    if request.method() != Method::GET && request.method() != Method::HEAD {
        request = proved(&console, &visitor, request).await.map_err(IntoResponse::into_response)?;
    }
    request.extensions_mut().insert(visitor);
    Ok(next.run(request).await)
}

/// Refuses writes of auditors.
pub async fn only_operators_write(request: Request, next: Next) -> Result<Response, Problem> {
    let writes = request.method() != Method::GET && request.method() != Method::HEAD;
    let may_act = request.extensions().get::<Visitor>().is_some_and(Visitor::may_act);
    if writes && !may_act {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "auditors may only read; acting needs the role `operator`",
        )
        .allowing(&["operator"]));
    }
    Ok(next.run(request).await)
}

/// Reads the form, checks its proof, and passes the request on unchanged.
async fn proved(console: &Console, visitor: &Visitor, request: Request) -> Result<Request, Problem> {
    let refused = |why: &str| Problem::new(ProblemType::Forbidden, why);
    let (parts, body) = request.into_parts();
    if Trusted::of(&parts.headers, console.origin.as_deref()) == Trusted::Foreign {
        return Err(refused("this form was sent by a page that is not ours"));
    }
    let form = to_bytes(body, FORM_BYTES_MAX)
        .await
        .map_err(|_| Problem::new(ProblemType::PayloadTooLarge, "a form may have at most 64 KiB"))?;
    let mut proofs = form_urlencoded::parse(&form).filter(|(name, _)| name == "proof");
    let proof = proofs.next().map(|(_, proof)| proof).unwrap_or_default();
    if !visitor.session().proved(&console.key, &proof) {
        return Err(refused("the form belongs to another session: open its page again"));
    }
    Ok(Request::from_parts(parts, Body::from(form)))
}

/// Leads to the sign-in page, and then back to `path`.
pub fn to_sign_in(path: &str) -> Response {
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/console/sign-in?next={next}")).into_response()
}
