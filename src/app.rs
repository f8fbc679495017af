//! The actix application: shared state, the order of middleware, and the one list of features.

use std::sync::{Arc, atomic::AtomicBool};

use actix_cors::Cors;
use actix_web::{
    App, Error as ActixError,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Bytes, Data, PathConfig},
};
use quick_cache::{Weighter, sync::Cache};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

use crate::{
    account, appeals, assessments,
    audit::{self, AuditKey},
    auth::{self, Tokens, outside::Outside},
    clients, cohorts,
    config::Config,
    confirmations,
    db::Db,
    decisions, flags,
    http::{
        CursorKey, Error,
        denials::Denials,
        fallback::fallback,
        floor::{armour, floor},
        idempotency::Idempotency,
        limits::Limits,
    },
    ids::ProgramId,
    mail::Mailer,
    metrics::Metrics,
    moderation, notices, oauth, outbound, participation, principals,
    programs::{self, list_sql::Frequencies},
    providers, red_flags, reference, replies, reviews, self_reports, sign_in, system,
    time::{Clock, Timestamp},
    transparency, universities, vetting,
};

/// How many rendered programs are expected, for the cache's tables.
const DETAILS: usize = 10_000;
/// Bytes of rendered programs that are kept.
const DETAIL_BYTES: u64 = 64 * 1024 * 1024;

/// An entry weighs what its bytes take.
#[derive(Debug, Clone, Copy)]
pub struct BytesWeigh;

impl Weighter<(ProgramId, String), Bytes> for BytesWeigh {
    fn weight(&self, _: &(ProgramId, String), bytes: &Bytes) -> u64 {
        bytes.len().max(1) as u64
    }
}

/// What every request can reach.
pub struct State {
    /// The store.
    pub db: Db,
    /// Access tokens.
    pub auth: Tokens,
    /// The operator's settings.
    pub config: Config,
    /// Tells the present moment.
    pub clock: Clock,
    /// Remembers answers by Idempotency-Key.
    pub idempotency: Arc<Idempotency>,
    /// The rate limiter.
    pub limits: Limits,
    /// Sends mail.
    pub mailer: Mailer,
    /// Writes down who was refused what.
    pub denials: Denials,
    /// Counters and timings.
    pub metrics: Metrics,
    /// Authenticates cursors.
    pub cursors: CursorKey,
    /// Rendered programs by id and entity tag, bounded by their bytes.
    pub details: Cache<(ProgramId, String), Bytes, BytesWeigh>,
    /// How many programs common conditions find.
    pub frequencies: Arc<Frequencies>,
    /// Set once the process has been told to end; readiness then answers 503.
    pub draining: AtomicBool,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(db: Db, auth: Tokens, config: Config) -> Self {
        let auth = trusting(auth, &config);
        let cursors = CursorKey::derive(auth.keys().secret());
        let details = Cache::with_weighter(DETAILS, DETAIL_BYTES, BytesWeigh);
        let mailer = Mailer::new(config.smtp.clone(), config.mail_from.clone(), &config.data_dir);
        let idempotency = Arc::new(Idempotency::new(auth.keys().secret()));
        let limits = Limits::new(config.rate_limits, &config.trusted_proxies);
        Self {
            db,
            auth,
            config,
            clock: Clock::default(),
            idempotency,
            limits,
            mailer,
            denials: Denials::default(),
            metrics: Metrics::new(),
            cursors,
            details,
            frequencies: Arc::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The key of the security log's chain.
    #[must_use]
    pub fn audit_key(&self) -> AuditKey {
        AuditKey::derive(self.auth.keys().secret())
    }
}

/// The tokens, with those of the configured identity providers.
fn trusting(auth: Tokens, config: &Config) -> Tokens {
    if config.oidc_issuers.is_empty() {
        return auth;
    }
    match outbound::Client::new(config.outbound) {
        Ok(client) => {
            let outside = Outside::new(&config.oidc_issuers, &client, auth.keys().secret());
            auth.trusting(outside)
        }
        Err(error) => {
            tracing::error!(%error, "tokens of outside identity providers are refused");
            auth
        }
    }
}

/// Registers every feature. The OpenAPI document is made from the same call, so there is no second list.
pub fn routes(config: &mut ServiceConfig) {
    system::routes::configure(config);
    auth::routes::configure(config);
    sign_in::routes::configure(config);
    participation::routes::configure(config);
    reference::routes::configure(config);
    clients::routes::configure(config);
    cohorts::routes::configure(config);
    confirmations::routes::configure(config);
    oauth::configure(config);
    providers::routes::configure(config);
    programs::routes::configure(config);
    appeals::routes::configure(config);
    assessments::routes::configure(config);
    decisions::routes::configure(config);
    reviews::routes::configure(config);
    flags::routes::configure(config);
    red_flags::routes::configure(config);
    moderation::routes::configure(config);
    replies::routes::configure(config);
    notices::routes::configure(config);
    self_reports::routes::configure(config);
    transparency::routes::configure(config);
    universities::routes::configure(config);
    account::routes::configure(config);
    audit::routes::configure(config);
    principals::routes::configure(config);
    vetting::method_routes::configure(config);
    vetting::rubric_routes::configure(config);
}

/// The application that each worker runs.
pub fn app(
    state: Data<State>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = ActixError,
        InitError = (),
    >,
> {
    let cors = cors(&state.config.cors_origins);
    App::new()
        .app_data(state)
        .app_data(PathConfig::default().error_handler(|_, _| Error::NotFound("resource").into()))
        .wrap(from_fn(floor))
        .wrap(cors)
        .wrap(from_fn(armour))
        .into_utoipa_app()
        .configure(routes)
        .into_app()
        .default_service(web::to(fallback))
}

/// Any origin may read unless the operator lists some; tokens travel in a header, never in cookies, so no request
/// carries credentials that a browser adds by itself.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "x-request-id",
        ])
        .expose_headers([
            "etag",
            "idempotency-replayed",
            "link",
            "location",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ])
        .max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
