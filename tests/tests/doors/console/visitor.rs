//! Somebody at the console without a script: a cookie, links and forms.

use super::stage::Stage;
use reqwest::{Method, header::HeaderMap};
use std::sync::Mutex;

pub struct Visitor<'a> {
    pub stage: &'a Stage,
    pub cookie: Mutex<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl<'a> Visitor<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self { stage, cookie: Mutex::default() }
    }

    /// Sends the form of the page to sign in, as a browser does.
    pub async fn sign_in(&self, token: &str, next: &str) -> Answer {
        self.send(Method::POST, "/console/sign-in", &[("token", token), ("next", next)], &OURS).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], &[("sec-fetch-site", "same-origin")]).await
    }

    /// A form with this session's proof, from a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let proof = self.proof().await;
        let mut fields = fields.to_vec();
        fields.push(("proof", &proof));
        self.send(Method::POST, path, &fields, &OURS).await
    }

    /// What forms of this session carry.
    pub async fn proof(&self) -> String {
        self.get("/console/audit").await.field("proof")
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.stage.http.request(method.clone(), self.stage.url(path));
        if method == Method::POST {
            request = request.form(fields);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookie = self.cookie.lock().unwrap().clone();
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(set) = headers.get("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            *self.cookie.lock().unwrap() = pair.to_owned();
        }
        Answer { status, headers, text: answer.text().await.unwrap() }
    }
}

/// What browsers say of a form on a page of ours.
pub const OURS: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text.contains(words), "no `{words}` in {}", self.text);
        self
    }

    /// The value of the first hidden field of that name.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, after) =
            self.text.split_once(&mark).unwrap_or_else(|| panic!("no field `{name}` in {}", self.text));
        after.split_once('"').unwrap().0.to_owned()
    }
}
