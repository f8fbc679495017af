//! What verifying an access token costs: `cargo bench --bench verify`.
//!
//! Nearly every request carries a token that was seen before, so `remembered` is what counts; `first` is the price of a
//! token's first request, and of each that an attacker makes up with a known key id.
#![expect(clippy::unwrap_used, reason = "a measurement stops on the spot")]

use std::time::Duration;

use preceptor::{
    auth::{Keys, Role, Tokens},
    ids::PrincipalId,
    time::Timestamp,
};
use uuid::Uuid;

fn main() {
    divan::main();
}

struct Bench {
    tokens: Tokens,
    now: Timestamp,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_create(dir.path()).unwrap();
        Self { tokens: Tokens::new(keys, "http://127.0.0.1:8080"), now: Timestamp::now(), _dir: dir }
    }

    fn token(&self) -> String {
        let (person, hour) = (PrincipalId::from_uuid(Uuid::now_v7()), Duration::from_hours(1));
        self.tokens.issue(person, Role::Participant, self.now, hour, Uuid::new_v4()).unwrap()
    }
}

#[divan::bench]
fn remembered(bencher: divan::Bencher) {
    let bench = Bench::new();
    let token = bench.token();
    bench.tokens.verify(&token, bench.now).unwrap();
    bencher.bench(|| bench.tokens.verify(divan::black_box(&token), bench.now).is_ok());
}

#[divan::bench(threads = 2)]
fn remembered_by_two_threads(bencher: divan::Bencher) {
    let bench = Bench::new();
    let token = bench.token();
    bench.tokens.verify(&token, bench.now).unwrap();
    bencher.bench(|| bench.tokens.verify(divan::black_box(&token), bench.now).is_ok());
}

#[divan::bench(sample_size = 1, sample_count = 1000)]
fn first(bencher: divan::Bencher) {
    let bench = Bench::new();
    bencher.with_inputs(|| bench.token()).bench_refs(|token| bench.tokens.verify(token, bench.now).is_ok());
}

#[divan::bench(sample_size = 1, sample_count = 1000)]
fn first_with_a_wrong_signature(bencher: divan::Bencher) {
    let bench = Bench::new();
    let made_up = || {
        let (one, other) = (bench.token(), bench.token());
        format!("{}.{}", one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
    };
    bencher.with_inputs(made_up).bench_refs(|token| bench.tokens.verify(token, bench.now).is_err());
}
