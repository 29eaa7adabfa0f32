//! The script, the style and the icon, in the binary. Their addresses carry their hash, so browsers keep them for ever.

use crate::http::Problem;
use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    content: &'static str,
    kind: &'static str,
    name: String,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "css", "text/css; charset=utf-8", include_str!("assets/console.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("assets/console.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(content)[..8]);
        Self { content, kind, name: format!("{stem}.{hash}.{ending}") }
    }

    fn path(&self) -> String {
        format!("/console/assets/{}", self.name)
    }
}

/// The address of the style.
pub fn style() -> String {
    STYLE.path()
}

/// The address of the script.
pub fn script() -> String {
    SCRIPT.path()
}

/// The address of the icon.
pub fn icon() -> String {
    ICON.path()
}

/// Serves one of the three. A name that another build made is not found: the page with that name comes from that build too.
pub async fn serve(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(Problem::not_found)?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
