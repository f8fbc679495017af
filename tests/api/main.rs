//! The integration tests: a real server on a port, over HTTP, on both databases.
//!
//! A claim written inside `on_both!` becomes two tests, `sqlite::…` and `postgres::…`. PostgreSQL is
//! the server that `TEST_DATABASE_URL` names, or else one throw-away cluster that is started from
//! the installed binaries (`support::postgres`).
#![cfg(test)]

#[macro_use]
mod support;

mod access;
mod account;
mod appeals;
mod assessments;
mod audit;
mod clients;
mod cohorts;
mod concurrency;
mod confirmations;
mod contract;
mod crash;
mod decisions;
mod denials;
mod errors;
mod flags;
mod http_floor;
mod idempotency;
mod keys;
mod methodology;
mod migrations;
mod moderation;
mod notices;
mod oauth;
mod openapi;
mod outages;
mod outside;
mod participation;
mod plans;
mod principals;
mod program_desk;
mod program_lists;
mod programs;
mod providers;
mod publication;
mod rate_limits;
mod red_flags;
mod reporter_measures;
mod reports;
mod responses;
mod retention;
mod reviews;
mod rights;
mod rubrics;
mod secrecy;
mod self_reports;
mod sign_in;
mod storage;
mod tokens;
mod transparency;
mod triage;
mod universities;
mod verdicts;
mod vetting_model;
mod walkthrough;
