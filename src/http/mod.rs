//! What every operation shares: problem documents, strict input, preconditions, paging, typed answers, limits.

pub mod client_address;
pub mod component;
pub mod denials;
pub mod extract;
pub mod fallback;
pub mod fault;
pub mod floor;
pub mod idempotency;
pub mod idempotency_store;
pub mod limits;
pub mod paging;
pub mod params;
pub mod problem;
pub mod problem_code;
pub mod respond;
pub mod schema;
pub mod strict_json;

pub use extract::{IfMatch, Json, MatchOrNone, Patch};
pub use idempotency::{Once, RequiredOnce, Seen};
pub use limits::{Daily, PolicyName, Reading};
pub use paging::{CursorKey, Paging, Position, Slice};
pub(crate) use params::Extracting;
pub use params::{FromParams, NoQuery, Params, Query};
pub use problem::{Error, Fault, FaultCode, Problem, ProblemCode};
pub use respond::{Accepted, Answer, Answered, Changed, Created, Found, NoContent, Page, Render, Rendered, Unstored};
