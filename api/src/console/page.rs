//! What a page is made of, and the paper around it.

use super::{assets, session::Visitor};
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// A page: its parts, one below the other.
pub struct Page {
    /// The title in the browser's tab.
    pub title: String,
    /// The entry of the menu that it belongs to.
    pub section: Section,
    /// The HTTP status: 200, unless the page says what could not be done.
    pub status: StatusCode,
    /// The parts, from top to bottom.
    pub parts: Vec<Part>,
}

/// A part of a page.
pub enum Part {
    /// It stays as it was written: forms above all, which must not change while people fill them in.
    Still(Markup),
    /// It is replaced when it changes. The name is its id.
    Live(&'static str, Markup),
}

/// The places that the menu leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first page, with the numbers.
    Home,
    /// Sagas that need somebody.
    WorkList,
    /// Batches: one action on many sagas.
    Batches,
    /// Proposals that wait for a second person.
    Proposals,
    /// The audit.
    Audit,
    /// The glossary. The footer links to it, and the menu does not.
    Glossary,
}

impl Section {
    const ALL: [(Self, &str, &str); 5] = [
        (Self::Home, "/console", "Home"),
        (Self::WorkList, "/console/sagas", "Sagas"),
        (Self::Batches, "/console/batches", "Batches"),
        (Self::Proposals, "/console/proposals", "Proposals"),
        (Self::Audit, "/console/audit", "Audit"),
    ];
}

impl Page {
    /// An empty page with status 200.
    pub fn new(title: impl Into<String>, section: Section) -> Self {
        Self { title: title.into(), section, status: StatusCode::OK, parts: Vec::new() }
    }

    /// Sets the status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a part that stays as it is.
    pub fn still(mut self, content: Markup) -> Self {
        self.parts.push(Part::Still(content));
        self
    }

    /// Adds a part that is kept up to date.
    pub fn live(mut self, id: &'static str, content: Markup) -> Self {
        self.parts.push(Part::Live(id, content));
        self
    }

    /// The answer to this visitor, at this address.
    pub fn answer(self, visitor: &Visitor, address: &str) -> Response {
        let is_live = self.parts.iter().any(|part| matches!(part, Part::Live(..)));
        let stream = is_live.then(|| {
            let page: String = form_urlencoded::byte_serialize(address.as_bytes()).collect();
            format!("/console/live?page={page}")
        });
        let body = html! {
            body data-stream=[stream] {
                a.skip href="#content" { "Skip to the content" }
                (header(&self, visitor))
                main #content tabindex="-1" {
                    @for part in &self.parts {
                        @match part {
                            Part::Still(content) => (content),
                            Part::Live(id, content) => div id=(id) data-live { (content) },
                        }
                    }
                }
                (footer())
            }
        };
        (self.status, Html(document(&self.title, &body).into_string())).into_response()
    }
}

/// A page for people who have not signed in, or whose request failed.
pub fn bare(title: &str, content: &Markup) -> Markup {
    document(title, &html! { body.bare { main #content { (content) } } })
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Usher" }
                link rel="icon" href=(assets::icon());
                link rel="stylesheet" href=(assets::style());
                script type="module" src=(assets::script()) {}
            }
            (body)
        }
    }
}

fn header(page: &Page, visitor: &Visitor) -> Markup {
    html! {
        header.top {
            a.brand href="/console" { "Usher" }
            nav aria-label="Console" {
                @for (section, path, name) in Section::ALL {
                    a href=(path) aria-current=[(section == page.section).then_some("page")] { (name) }
                }
            }
            form.search action="/console/sagas" role="search" {
                label.unseen for="q" { "Search sagas" }
                input #q type="search" name="q" autocomplete="off" spellcheck="false"
                    placeholder="saga, reservation, payment, seat, user, gateway reference";
            }
            div.visitor {
                span title=(format!("signed in as {}", visitor.role)) { (visitor.subject) " · " (visitor.role) }
                form method="post" action="/console/sign-out" {
                    (proof(visitor))
                    button.plain { "Sign out" }
                }
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        footer {
            span #stream role="status" { "As of the time when this page was opened." }
            a href="/console/glossary" { "Glossary" }
            details.keys {
                summary { "Keys" }
                dl {
                    div { dt { kbd { "j" } " " kbd { "k" } } dd { "next and previous row" } }
                    div { dt { kbd { "/" } } dd { "search" } }
                    div { dt { kbd { "?" } } dd { "show these keys" } }
                }
            }
        }
    }
}

/// The hidden field that every form that writes must carry.
pub fn proof(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="proof" value=(visitor.proof); }
}
