//! What answers when no route matched: 404, or, where the path exists, 405 or OPTIONS with `Allow`.
//!
//! The paths and methods come from the OpenAPI document, so this knows exactly what is documented.

use std::sync::LazyLock;

use actix_router::ResourceDef;
use actix_web::{HttpRequest, HttpResponse, http::Method};

use super::{extract::MERGE_PATCH, problem::Error};

struct Known {
    path: ResourceDef,
    allow: String,
    patchable: bool,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let paths = crate::openapi::document()["paths"].as_object();
    let paths = paths.into_iter().flatten().filter_map(|(path, item)| {
        let methods = item.as_object()?;
        let mut allow: Vec<_> = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .filter(|method| methods.contains_key(*method))
            .map(str::to_uppercase)
            .collect();
        if methods.contains_key("get") {
            allow.push("HEAD".to_owned());
        }
        allow.push("OPTIONS".to_owned());
        let known = Known {
            path: ResourceDef::new(path.as_str()),
            allow: allow.join(", "),
            patchable: methods.contains_key("patch"),
        };
        Some((path.contains('{'), known))
    });
    let mut paths: Vec<_> = paths.collect();
    // A path without parameters wins over a pattern that it also fits.
    paths.sort_by_key(|(pattern, _)| *pattern);
    paths.into_iter().map(|(_, known)| known).collect()
});

/// The app's default service.
pub async fn fallback(req: HttpRequest) -> Result<HttpResponse, Error> {
    let Some(known) = KNOWN.iter().find(|known| known.path.is_match(req.path())) else {
        return Err(Error::NotFound("resource"));
    };
    if req.method() != Method::OPTIONS {
        return Err(Error::MethodNotAllowed(known.allow.clone()));
    }
    let mut response = HttpResponse::NoContent();
    response.insert_header(("allow", known.allow.as_str()));
    if known.patchable {
        response.insert_header(("accept-patch", MERGE_PATCH));
    }
    Ok(response.finish())
}
