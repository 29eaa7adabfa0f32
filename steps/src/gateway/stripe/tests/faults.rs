//! What the transport may do: hang, drip, never end, lead elsewhere, be away, be too much asked of.

use super::*;
use crate::gateway::{KEY_BYTES_MAX, Unsent};
use std::{sync::Arc, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wiremock::matchers::any;

/// A server that does with every connection what it likes.
async fn misbehaving<F: Future<Output = ()> + Send>(
    answer: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> Gateway {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = adapter(&format!("http://{}", listener.local_addr().unwrap()));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                answer(stream).await;
            });
        }
    });
    gateway
}

#[tokio::test]
async fn slow_bytes_end_at_the_total_deadline() {
    let gateway = misbehaving(async |mut stream: TcpStream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        let _ = stream.write_all(head).await;
        // Each byte comes long before the deadline; only their sum is too late.
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b" ").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    let began = Instant::now();
    let error = gateway.read(&IntentId::new("pi_1")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Deadline(_))), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_bound() {
    let gateway = misbehaving(async |mut stream: TcpStream| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(head).await;
        let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let error = gateway.read(&IntentId::new("pi_1")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::TooLarge(OBJECT_BYTES_MAX))), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_unclear() {
    let gateway = misbehaving(async |stream: TcpStream| drop(stream)).await;
    let error = gateway.create(&order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Broken(_))), "{error:?}");
}

#[tokio::test]
async fn beyond_the_rate_limit_nothing_is_sent_and_the_caller_is_told_when_to_come_again() {
    let (server, _) = started().await;
    let gateway = adapter_with(&server.uri(), |config| config.requests_per_s = NonZeroU32::MIN);
    answers(&server, "/v1/payment_intents/pi_1", 200, intent("processing")).await;
    let id = IntentId::new("pi_1");
    gateway.read(&id).await.unwrap();
    let (second, third) = tokio::join!(gateway.read(&id), gateway.read(&id));
    let waited = [&second, &third].into_iter().filter(|read| read.is_ok()).count();
    let busy = [second, third].into_iter().find_map(Result::err).expect("one of them had to wait too long");
    assert!(matches!(busy, GatewayError::Busy { .. }) && busy.is_surely_not_done(), "{busy:?}");
    assert!(busy.retry_after().is_some());
    assert_eq!(server.received_requests().await.unwrap().len(), 1 + waited);
}

#[tokio::test]
async fn a_429_leaves_the_breaker_closed() {
    let (server, gateway) = started().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(429)).mount(&server).await;
    for _ in 0..BreakerConfig::default().failures_max * 2 {
        let error = gateway.create(&order(), "k").await.unwrap_err();
        assert!(matches!(error, GatewayError::Busy { .. }), "{error:?}");
    }
    assert_eq!(gateway.held_back(), None);
}

#[tokio::test]
async fn what_a_gateway_echoes_of_secrets_and_card_numbers_is_not_kept() {
    let (server, gateway) = started().await;
    let echo = json!({"error": {"type": "invalid_request_error", "code": "4242 4242 4242 4242", "param": "sk_live_x",
        "message": "card 4242-4242-4242-4242 under Bearer sk_live_x\u{0}"}});
    answers(&server, CREATE, 400, echo).await;
    let error = format!("{:?}", gateway.create(&order(), "k").await.unwrap_err());
    assert!(error.contains("Invalid") && error.contains("card"), "{error}");
    for secret in ["4242", "sk_live", "\0"] {
        assert!(!error.contains(secret), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let (server, gateway) = started().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7");
    Mock::given(path(CREATE)).respond_with(busy).mount(&server).await;
    let error = gateway.create(&order(), "k").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_hang_and_a_huge_body_are_cut_and_a_redirect_is_not_followed() {
    let (server, gateway) = started().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let huge = ResponseTemplate::new(200).set_body_string(" ".repeat(OBJECT_BYTES_MAX + 1));
    let away = ResponseTemplate::new(307).insert_header("location", format!("{}/elsewhere", server.uri()));
    for (id, answer) in [("slow", slow), ("huge", huge), ("away", away)] {
        Mock::given(path(format!("{CREATE}/{id}"))).respond_with(answer).mount(&server).await;
    }
    Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let began = Instant::now();
    let read = async |id: &str| gateway.read(&IntentId::new(id)).await.unwrap_err();
    assert!(matches!(read("slow").await, GatewayError::Unclear(Doubt::Deadline(_))));
    assert!(matches!(read("huge").await, GatewayError::Unclear(Doubt::TooLarge(OBJECT_BYTES_MAX))));
    assert!(matches!(read("away").await, GatewayError::Unclear(Doubt::Redirect(307))));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_refused_connection_is_surely_unsent_and_failures_in_a_row_open_the_breaker() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let gateway = adapter(&url);
    for _ in 0..BreakerConfig::default().failures_max {
        let error = gateway.create(&order(), "k").await.unwrap_err();
        assert!(matches!(error, GatewayError::Refused(Unsent::Connect(_))), "{error:?}");
    }
    let error = gateway.create(&order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Refused(Unsent::BreakerOpen { .. })), "{error:?}");
    assert!(error.is_surely_not_done() && error.retry_after().is_some());
}

#[tokio::test]
async fn a_base_key_out_of_bounds_is_never_sent() {
    let (server, gateway) = started().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    for key in ["", "a b", &"k".repeat(KEY_BYTES_MAX + 1)] {
        assert!(matches!(gateway.create(&order(), key).await, Err(GatewayError::Invalid { .. })));
    }
}

#[test]
fn the_secret_key_travels_only_by_tls_or_on_this_machine_and_is_never_shown() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = |url: &str| Stripe::new(StripeConfig::new(url, "sk_live_secret"));
    assert!(matches!(made("http://gateway.example"), Err(BadStripeConfig::Insecure(_))));
    assert!(matches!(made("gateway.example"), Err(BadStripeConfig::Url(_))));
    let shown = format!("{:?}", made("https://api.stripe.com").unwrap());
    assert!(!shown.contains("sk_live_secret"), "{shown}");
}
