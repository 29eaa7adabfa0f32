//! The glossary as a page: `docs/glossary.md`, which is part of the binary. It needs no network and no database.

use super::super::{
    page::{Page, Section},
    session::Visitor,
};
use axum::{Extension, response::Response};
use maud::{Markup, html};

const TEXT: &str = include_str!("../../../../docs/glossary.md");

/// `GET /console/glossary`.
pub async fn glossary(Extension(visitor): Extension<Visitor>) -> Response {
    let page = Page::new("Glossary", Section::Glossary).still(html! { section { (content(TEXT)) } });
    page.answer(&visitor, "/console/glossary")
}

/// Headings, paragraphs and tables. The document has nothing else.
fn content(text: &str) -> Markup {
    html! {
        @for block in text.split("\n\n") {
            @if let Some(title) = block.strip_prefix("# ") {
                h1 { (inline(title)) }
            } @else if let Some(title) = block.strip_prefix("## ") {
                h2 { (inline(title)) }
            } @else if block.starts_with('|') {
                (table(block))
            } @else {
                p { (inline(block)) }
            }
        }
    }
}

fn table(block: &str) -> Markup {
    let mut rows = block.lines().map(cells);
    let head = rows.next().unwrap_or_default();
    html! {
        div.wide {
            table {
                thead { tr { @for cell in head { th { (inline(cell)) } } } }
                // The first row is the line below the head.
                tbody { @for row in rows.skip(1) {
                    tr { @for cell in row { td { (inline(cell)) } } }
                } }
            }
        }
    }
}

fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// Backticks become `<code>`.
fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_glossary_has_four_cells() {
        for row in TEXT.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(cells(row).len(), 4, "{row}");
        }
    }

    #[test]
    fn the_page_has_the_words_of_the_document() {
        let page =
            content("# Words\n\n| word | means |\n|---|---|\n| `Tx` step | a <b> step |\n").into_string();
        assert!(page.contains("<h1>Words</h1>") && page.contains("<th>word</th>"), "{page}");
        assert!(page.contains("<td><code>Tx</code> step</td><td>a &lt;b&gt; step</td>"), "{page}");
        assert!(!page.contains("---"), "{page}");
    }
}
