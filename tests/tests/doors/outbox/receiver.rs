//! A receiver as somebody else would write it: it checks signatures, and remembers what it got. It behaves as it is told.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response},
};
use chrono::Utc;
use serde_json::Value;
use std::sync::{Arc, Mutex, RwLock};
use steps::gateway::{signature::Secret, standard_webhooks};
use tests::play::Gate;
use tokio::{net::TcpListener, task::JoinSet};

/// What all receivers of these tests check with: the secret of the Standard Webhooks vector.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One request.
#[derive(Clone, Debug)]
pub struct Got {
    pub id: String,
    pub media_type: String,
    pub event: Value,
}

/// What a receiver does with a request.
#[derive(Clone)]
pub enum Act {
    /// 204.
    Take,
    /// This status.
    Answer(u16),
    /// This status, and `Retry-After`.
    Wait(u16, &'static str),
    /// Sends it elsewhere.
    Redirect(String),
    /// Answers when the gate opens.
    Hold(Gate),
    /// 200, and then a body without end.
    Endless,
    /// Never answers.
    Hang,
}

type Behaviour = dyn Fn(&Got) -> Act + Send + Sync;

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    got: Mutex<Vec<Got>>,
    behaviour: RwLock<Box<Behaviour>>,
    _serving: Mutex<JoinSet<()>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            got: Mutex::default(),
            behaviour: RwLock::new(Box::new(|_| Act::Take)),
            _serving: Mutex::default(),
        });
        let router = Router::new().fallback(receive).with_state(Arc::downgrade(&shared));
        shared._serving.lock().unwrap().spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// From now on it does as this says.
    pub fn behave(&self, behaviour: impl Fn(&Got) -> Act + Send + Sync + 'static) {
        *self.shared.behaviour.write().unwrap() = Box::new(behaviour);
    }

    /// All requests, in the order in which they came.
    pub fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// The ids of all requests, in the order in which they came.
    pub fn ids(&self) -> Vec<String> {
        self.got().into_iter().map(|got| got.id).collect()
    }
}

async fn receive(
    State(shared): State<std::sync::Weak<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let Some(shared) = shared.upgrade() else { return answer(503) };
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let (id, timestamp, signature) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let signed = standard_webhooks::Headers { id: &id, timestamp: &timestamp, signature: &signature };
    standard_webhooks::verify(signed, &body, &[Secret::new(SECRET)], Utc::now())
        .expect("the signature holds");
    let got = Got { media_type: header("content-type"), event: serde_json::from_slice(&body).unwrap(), id };
    let act = shared.behaviour.read().unwrap()(&got);
    shared.got.lock().unwrap().push(got);
    drop(shared);
    match act {
        Act::Take => answer(204),
        Act::Answer(status) => answer(status),
        Act::Wait(status, after) => {
            Response::builder().status(status).header("retry-after", after).body(Body::empty()).unwrap()
        }
        Act::Redirect(to) => {
            Response::builder().status(307).header("location", to).body(Body::empty()).unwrap()
        }
        Act::Hold(gate) => {
            gate.pass().await;
            answer(204)
        }
        Act::Endless => {
            let chunk = Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024]));
            let endless = futures_util::stream::repeat_with(move || {
                chunk.as_ref().map(Bytes::clone).map_err(|_| std::io::Error::other("there is none"))
            });
            Response::new(Body::from_stream(endless))
        }
        Act::Hang => std::future::pending().await,
    }
}

fn answer(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}
