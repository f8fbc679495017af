//! Refusals of identity and rights, for those who watch over the service: a line in the log target
//! `preceptor::security` for each 401 and 403, and a row of the security log when a known principal was refused.
//!
//! Neither names a token or an address. The rows are written beside the request, and not more than a bounded number at
//! a time: what comes on top is counted, and the count is logged.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix_web::{HttpMessage, body::BoxBody, dev::ServiceResponse, web::Data};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::Caller,
};

/// Rows that may wait to be written.
const PLACES: usize = 256;

/// Writes refusals down.
pub struct Denials {
    places: Arc<Semaphore>,
    dropped: AtomicU64,
}

impl Default for Denials {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), dropped: AtomicU64::new(0) }
    }
}

impl Denials {
    /// Writes down an answer with the status 401 or 403; others it lets pass. `method` is bounded.
    pub fn note(&self, state: &Data<State>, response: &ServiceResponse<BoxBody>, method: &'static str, id: Uuid) {
        let kind = match response.status().as_u16() {
            401 => "unauthenticated",
            403 => "denied",
            _ => return,
        };
        let request = response.request();
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        let caller = request.extensions().get::<Caller>().map(|caller| caller.id);
        let principal = caller.map(|id| id.to_string());
        tracing::warn!(target: "preceptor::security", request_id = %id, kind, method, route, principal);
        if kind != "denied" || caller.is_none() {
            return;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let event = Event { kind: AuditKind::Denied, actor: caller, subject: format!("operation:{method} {route}") };
        let (now, key) = (state.now(), state.audit_key());
        let db = state.db.clone();
        actix_web::rt::spawn(async move {
            if let Err(error) = db.write(move |conn| audit::append(conn, &key, &event, now)).await {
                tracing::error!(target: "preceptor::security", %error, "a refusal could not be written down");
            }
            drop(place);
        });
    }

    /// Logs how many rows were not written since the last time, if any.
    pub fn report(&self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(target: "preceptor::security", dropped, "refusals came too fast to write all of them down");
        }
    }
}
