//! The parts of the service, whose state readiness tells.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum::text_enum;

text_enum! {
    /// A part of the service.
    pub enum ComponentName {
        /// The process; it fails once it has been told to end.
        Process = "process",
        /// The database answers within a second.
        Database = "database",
        /// The database has exactly this release's migrations.
        Migrations = "migrations",
        /// The disk of the data directory, and of the embedded database.
        Disk = "disk",
    }
}

text_enum! {
    /// How a part of the service does.
    pub enum ComponentStatus {
        /// It works.
        Ok = "ok",
        /// It works, and will not for long: reads go on, writes may soon be refused.
        Degraded = "degraded",
        /// It does not work.
        Failing = "failing",
    }
}

/// A part of the service and how it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Component {
    /// Which part.
    #[schema(example = "database")]
    pub name: ComponentName,
    /// How it does.
    #[schema(example = "ok")]
    pub status: ComponentStatus,
}
