//! Parses the command line and runs it.

use std::process::ExitCode;

/// A request makes some hundred small allocations, which the system's allocator serves noticeably slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    preceptor::cli::run()
}
