//! Preceptor vets medical internships abroad: program listings, participant reviews, red-flag reports, and the
//! verdict that follows from them, served as a JSON REST API from one binary.
//!
//! The features are [`programs`], [`providers`], [`universities`], [`reviews`], [`red_flags`], [`vetting`],
//! [`assessments`] and [`self_reports`]; each has a pure `model`, a `store` of database queries and `routes`. The heart is [`verdict`] and [`score`], two pure modules.
//! Who comes in, and how, is in [`clients`], [`oauth`], [`sign_in`], [`participation`], [`sessions`], [`account`] and
//! [`principals`]. Around them stand [`http`] (what every operation shares), [`auth`] (who is asking), [`audit`] (the
//! security log), [`mail`], [`outbound`] (calls to addresses of others), [`db`] (one store, two engines),
//! [`reference`](mod@reference) (closed lists and the red-flag taxonomy) and [`cli`].

pub mod account;
pub mod app;
pub mod appeals;
pub mod assessments;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clients;
pub mod cohorts;
pub mod config;
pub mod confirmations;
pub mod db;
pub mod decisions;
pub mod demo;
pub mod flags;
pub mod generate;
pub mod http;
pub mod ids;
pub mod mail;
pub mod metrics;
pub mod moderation;
pub mod notices;
pub mod oauth;
pub mod openapi;
pub mod outbound;
pub mod participation;
pub mod principals;
pub mod programs;
pub mod providers;
pub mod red_flags;
pub mod reference;
pub mod replies;
pub mod retention;
pub mod reviews;
pub mod rules;
pub mod score;
pub mod search_text;
pub mod self_reports;
pub mod server;
pub mod sessions;
pub mod sign_in;
pub mod system;
pub mod text_enum;
pub mod time;
pub mod transparency;
pub mod universities;
pub mod verdict;
pub mod vetting;
