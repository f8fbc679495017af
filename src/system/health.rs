//! Whether the process lives, and whether requests should be sent to it.

use std::{path::Path, sync::atomic::Ordering, time::Duration};

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::State,
    config::Config,
    db::{self, migrations},
    http::{
        Error, Found, NoQuery,
        problem::{Component, ComponentName, ComponentStatus},
    },
};

/// How long the database has for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_livez).service(get_readyz);
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// Always `ok`: a process that is not does not answer.
    pub status: ComponentStatus,
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// The worst of the components; `failing` comes as a problem document with status 503.
    pub status: ComponentStatus,
    /// Each part.
    #[schema(max_items = 10)]
    pub components: Vec<Component>,
}

/// Check liveness
///
/// Answers as long as the process can answer at all; touches nothing else.
#[utoipa::path(
    tag = "service",
    operation_id = "get_liveness",
    responses((status = 200, description = "The process is alive.", body = Liveness)),
    security(())
)]
#[get("/livez")]
pub async fn get_livez(_: NoQuery) -> Found<Liveness> {
    Found::computed(Liveness { status: ComponentStatus::Ok })
}

/// Check readiness
///
/// Answers 503 when the database does not answer within a second, when its migrations are not those of this release,
/// or when the process is about to end; `components` says which. A nearly full disk is told as `degraded` and does not
/// fail the check, because reads go on.
#[utoipa::path(
    tag = "service",
    operation_id = "get_readiness",
    responses((status = 200, description = "Requests can be served.", body = Readiness)),
    security(())
)]
#[get("/readyz")]
pub async fn get_readyz(state: Data<State>, _: NoQuery) -> Result<Found<Readiness>, Error> {
    let process = if state.draining.load(Ordering::Relaxed) { ComponentStatus::Failing } else { ComponentStatus::Ok };
    let checked = state.db.scan(|conn| {
        db::ping(conn)?;
        let current = migrations::is_current(conn)?;
        Ok(if current { ComponentStatus::Ok } else { ComponentStatus::Failing })
    });
    let (database, migrations) = match tokio::time::timeout(PATIENCE, checked).await {
        Ok(Ok(migrations)) => (ComponentStatus::Ok, migrations),
        _ => (ComponentStatus::Failing, ComponentStatus::Failing),
    };
    let components = vec![
        Component { name: ComponentName::Process, status: process },
        Component { name: ComponentName::Database, status: database },
        Component { name: ComponentName::Migrations, status: migrations },
        Component { name: ComponentName::Disk, status: disk(&state.config) },
    ];
    match components.iter().map(|component| component.status).max() {
        Some(ComponentStatus::Failing) | None => Err(Error::NotReady(components)),
        Some(status) => Ok(Found::computed(Readiness { status, components })),
    }
}

/// Whether there is room where the data directory and the embedded database are.
fn disk(config: &Config) -> ComponentStatus {
    let database = config.database.path().and_then(Path::parent);
    let room = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= config.disk_reserve)
    };
    let enough = room(&config.data_dir) && database.is_none_or(room);
    if enough { ComponentStatus::Ok } else { ComponentStatus::Degraded }
}
