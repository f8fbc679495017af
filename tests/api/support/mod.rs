//! What the tests share: servers, databases, clients, example bodies.

mod app;
pub mod builders;
mod client;
pub mod dump;
pub mod issuer;
pub mod jwt;
pub mod postgres;
pub mod process;

pub use app::{Setup, TestApp};
pub use client::{Answer, Client, send};

/// Which database a claim is tested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Makes two tests of each claim: `sqlite::name` and `postgres::name`. Once per file.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident: $kind:ty) $body:block)*) => {
        mod claims {
            use super::*;
            $($(#[$meta])* pub async fn $name($backend: $kind) $body)*
        }

        mod sqlite {
            $(#[test]
            fn $name() {
                $crate::support::run($crate::support::Backend::Sqlite, super::claims::$name);
            })*
        }

        mod postgres {
            $(#[test]
            fn $name() {
                $crate::support::run($crate::support::Backend::Postgres, super::claims::$name);
            })*
        }
    };
}

/// Runs one claim to its end.
pub fn run(backend: Backend, claim: impl AsyncFnOnce(Backend)) {
    if backend == Backend::Postgres && postgres::server().is_none() {
        postgres::say_skipped(std::thread::current().name().unwrap_or("a test"));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(claim(backend));
}

/// Repeats `probe` until it gives something, for at most ten seconds.
pub async fn eventually<T>(what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(found) = probe().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen within ten seconds");
}
