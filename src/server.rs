//! Runs the service until it is told to end.

use std::{io, sync::atomic::Ordering, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web, web::Data};
use tokio::signal::unix::{Signal, SignalKind, signal};
use uuid::Uuid;

use crate::{
    app::{State, app},
    auth::principals,
    db::Db,
    http::{Error, idempotency, schema},
    ids::DecisionId,
    moderation::claim_store,
    notices, retention, reviews,
    time::Timestamp,
};

/// How long requests in flight may take to finish.
const SHUTDOWN: u64 = 30;
/// How often expired idempotency keys are forgotten and derived columns are brought to the present day.
const UPKEEP: Duration = Duration::from_mins(1);
/// How often it is looked for notices to send: one look at an index that is nearly always empty.
const LETTERS: Duration = Duration::from_secs(5);
/// Revocations, and claims, forgotten in one transaction.
const PURGED: i64 = 1000;
/// Seconds for which a revocation outlives its token: longer than clocks of nodes may differ.
const REVOCATION_KEPT: i64 = 60;
/// How often a change of the signing keys is looked for: one look at a file's date.
const KEYS: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or SIGINT, then drains and returns. `ready` runs once the port is open.
pub async fn serve(state: Data<State>, ready: impl FnOnce()) -> io::Result<()> {
    schema::warm().map_err(io::Error::other)?;
    let shared = state.clone();
    let server = HttpServer::new(move || app(shared.clone()))
        .workers(state.config.workers)
        .max_connections(10_000)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(SHUTDOWN)
        .disable_signals()
        .bind(state.config.bind)?
        .run();
    let handle = server.handle();
    if let Some(address) = state.config.metrics_bind {
        let shared = state.clone();
        let metrics = HttpServer::new(move || {
            let route = web::get().to(|state: Data<State>| async move {
                let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                HttpResponse::Ok().content_type(media_type).body(state.metrics.render())
            });
            App::new().app_data(shared.clone()).route("/metrics", route)
        });
        actix_web::rt::spawn(metrics.workers(1).disable_signals().bind(address)?.run());
    }
    let upkeep = actix_web::rt::spawn(keep_up(state.clone()));
    let letters = actix_web::rt::spawn(send_notices(state.clone()));
    let keys = actix_web::rt::spawn(follow_keys(state.clone(), signal(SignalKind::hangup())?));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let draining = state.clone();
    actix_web::rt::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {
                // Balancers stop sending once readiness fails; until then, requests are still served.
                draining.draining.store(true, Ordering::Relaxed);
                tokio::time::sleep(draining.config.drain).await;
            }
            _ = interrupt.recv() => draining.draining.store(true, Ordering::Relaxed),
        }
        tracing::info!("finishing the requests in flight");
        handle.stop(true).await;
    });
    ready();
    let result = server.await;
    upkeep.abort();
    letters.abort();
    keys.abort();
    result
}

async fn keep_up(state: Data<State>) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        state.denials.report();
        state.frequencies.forget();
        let now = Timestamp::now();
        if let Err(error) = idempotency::purge(&state.db, now).await {
            tracing::error!(%error, "expired idempotency keys could not be forgotten");
        }
        if let Err(error) = crate::programs::refresh(&state.db, now).await {
            tracing::error!(%error, "derived columns could not be brought to the present day");
        }
        if let Err(error) = crate::vetting::standing_store::catch_up(&state.db, now).await {
            tracing::error!(%error, "programs could not be judged by the present rubric");
        }
        if let Err(error) = crate::cohorts::store::count_anew(&state.db, now).await {
            tracing::error!(%error, "redeemed codes could not be counted");
        }
        let record = || DecisionId::from_uuid(Uuid::new_v4());
        if let Err(error) = reviews::store::release_due(&state.db, record, Timestamp::now()).await {
            tracing::error!(%error, "waiting reviews could not be made public");
        }
        if let Err(error) = forget_revoked_tokens(&state.db, Timestamp::now()).await {
            tracing::error!(%error, "revocations of expired tokens could not be forgotten");
        }
        if let Err(error) = forget_claims(&state.db, Timestamp::now()).await {
            tracing::error!(%error, "claims whose time has passed could not be removed");
        }
        if let Err(error) = crate::sign_in::purge(&state.db, Timestamp::now()).await {
            tracing::error!(%error, "expired codes and sessions could not be removed");
        }
        if let Err(error) = notices::forget_settled(&state, Timestamp::now()).await {
            tracing::error!(%error, "settled notices could not be forgotten");
        }
        let days = state.config.retention_days;
        if let Err(error) = retention::purge(&state.db, days, Timestamp::now()).await {
            tracing::error!(%error, "what was refused long ago could not be emptied");
        }
    }
}

/// Sends notices. What is on its way when the process ends is due again a minute later.
async fn send_notices(state: Data<State>) {
    let mut tick = tokio::time::interval(LETTERS);
    loop {
        tick.tick().await;
        if let Err(error) = notices::deliver_due(&state, Timestamp::now()).await {
            tracing::error!(%error, "notices could not be sent");
        }
    }
}

/// Forgets revocations of tokens that nobody would take any more, a bounded number at a time.
async fn forget_revoked_tokens(db: &Db, now: Timestamp) -> Result<usize, Error> {
    let before = now.plus_seconds(-REVOCATION_KEPT);
    db.write(move |conn| Ok(principals::purge_revoked(conn, before, PURGED)?)).await
}

/// Removes claims that hold nobody back any more, a bounded number at a time.
async fn forget_claims(db: &Db, now: Timestamp) -> Result<usize, Error> {
    db.write(move |conn| Ok(claim_store::purge(conn, now, PURGED)?)).await
}

/// Takes over new signing keys, and lets go of ended ones; at once on SIGHUP. The files may lie on a network, so it
/// happens beside the requests.
async fn follow_keys(state: Data<State>, mut hangup: Signal) {
    let mut tick = tokio::time::interval(KEYS);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = hangup.recv() => {}
        }
        let shared = state.clone();
        match tokio::task::spawn_blocking(move || shared.auth.keys().reload()).await {
            Ok(Ok(changed)) => {
                failing = false;
                if changed {
                    tracing::info!("the signing keys were read again");
                }
            }
            // Once, not every second.
            Ok(Err(error)) if !failing => {
                failing = true;
                tracing::error!(%error, "the signing keys cannot be read; those from before stay in use");
            }
            _ => {}
        }
    }
}
