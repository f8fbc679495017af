//! Programs side by side.

use std::cmp::Reverse;

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    detail_store::{self, Detail},
    list::ProgramSummary,
    list_query::CompareQuery,
    list_store::{self, ListedProgram},
    listing::{Fee, LegalBasis, Safety, ScopeEntry, Supervision},
    store::{Key, ProgramKey},
};
use crate::{
    app::State,
    db::Conn,
    http::{Error, Fault, FaultCode, Found, Query},
    ids::ProgramId,
    score::Score,
    self_reports::{
        self,
        body::{ClaimTold, claims_told},
    },
    time::Day,
    verdict::{ScopeFinding, VerdictOutcome, decide},
    vetting::standing_store,
};

/// Most claims that are shown beside a program.
const CLAIMS: usize = 50;

/// The claims that are shown: those that most people contradict first, then those that most confirm.
fn shown(mut claims: Vec<ClaimTold>) -> Vec<ClaimTold> {
    // Stable: the order of the store, which is the same on both databases, breaks ties.
    claims.sort_by_key(|claim| Reverse((claim.contradicted, claim.confirmed)));
    claims.truncate(CLAIMS);
    claims
}

/// A program with what matters for safety, as it stands in its present listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedProgram {
    /// The program as lists show it.
    pub program: ProgramSummary,
    /// The verdict with its reasons.
    pub verdict: VerdictOutcome,
    /// What the listing offers beyond the task matrix, in fixed order.
    #[schema(max_items = 55)]
    pub scope_findings: Vec<ScopeFinding>,
    /// What published, verified reviews say of the listing's claims: those that most contradict first, at most 50.
    #[schema(max_items = 50)]
    pub claims: Vec<ClaimTold>,
    /// How satisfied participants were, by dimension.
    pub score: Score,
    /// What participants of each level may do, one entry for each pair of task and level.
    #[schema(max_items = 55)]
    pub scope: Vec<ScopeEntry>,
    /// Who supervises, and how it is ensured.
    pub supervision: Supervision,
    /// How patients are asked, and how they can refuse.
    #[schema(max_length = 2000)]
    pub consent_policy: Option<String>,
    /// Rules on photographs and stories.
    #[schema(max_length = 2000)]
    pub photo_policy: Option<String>,
    /// The legal right to be there.
    pub legal_basis: LegalBasis,
    /// Protection of participants.
    pub safety: Safety,
    /// Protection of children and vulnerable adults, and where to report harassment.
    #[schema(max_length = 2000)]
    pub safeguarding: Option<String>,
    /// What it costs.
    #[schema(max_items = 20)]
    pub fees: Vec<Fee>,
    /// Share of the fees that reaches the host, in percent.
    #[schema(format = "int32", minimum = 0, maximum = 100)]
    pub host_share_percent: Option<i32>,
    /// When and how much is paid back.
    #[schema(max_length = 2000)]
    pub refund_policy: Option<String>,
}

/// Programs side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The programs, in the order asked for.
    #[schema(min_items = 2, max_items = 5)]
    pub data: Vec<ComparedProgram>,
}

/// Compare programs
///
/// Two to five listed or suspended programs, in the order asked for: verdicts with their reasons, satisfaction, what
/// verified reviews say of claims, and the parts of the listings that matter for safety.
#[utoipa::path(
    tag = "programs",
    operation_id = "compare_programs",
    params(CompareQuery),
    responses((status = 200, description = "The programs.", body = Comparison)),
    security(())
)]
#[get("/v1/programs/compare")]
pub async fn compare_programs(state: Data<State>, query: Query<CompareQuery>) -> Result<Found<Comparison>, Error> {
    let today = state.now().day();
    let data = state.db.scan(move |conn| compared(conn, &query.0.ids, today)).await?;
    Ok(Found::computed(Comparison { data }))
}

fn compared(conn: &mut Conn, keys: &[ProgramKey], today: Day) -> Result<Vec<ComparedProgram>, Error> {
    let mut details: Vec<Detail> = Vec::new();
    let mut faults = Vec::new();
    for key in keys {
        let fault = |code, text: &str| {
            let key = match key {
                Key::Id(id) => id.to_string(),
                Key::Slug(slug) => slug.clone(),
            };
            Fault::parameter("ids", code, format!("{text}: {key}"))
        };
        match detail_store::find(conn, key)?.filter(|found| found.row.status.is_public()) {
            None => faults.push(fault(FaultCode::UnknownReference, "There is no such program")),
            Some(found) if details.iter().any(|other| other.row.id == found.row.id) => {
                faults.push(fault(FaultCode::Duplicate, "The program stands twice"));
            }
            Some(found) => details.push(found),
        }
    }
    if !faults.is_empty() {
        return Err(Error::Parameters(faults));
    }
    let ids: Vec<ProgramId> = details.iter().map(|detail| detail.row.id).collect();
    let listed = list_store::by_id(conn, &ids)?;
    details.iter().zip(listed).map(|(detail, listed)| side(conn, detail, listed, today)).collect()
}

fn side(conn: &mut Conn, detail: &Detail, listed: ListedProgram, today: Day) -> Result<ComparedProgram, Error> {
    let listing = detail.input()?;
    let inputs = standing_store::inputs(conn, detail.row.id)?;
    Ok(ComparedProgram {
        program: ProgramSummary::of(listed, today),
        verdict: decide(&inputs, today),
        scope_findings: inputs.scope,
        claims: shown(claims_told(&self_reports::store::claims(conn, detail.row.id)?)),
        score: detail.score()?,
        scope: listing.scope,
        supervision: listing.supervision,
        consent_policy: listing.consent_policy,
        photo_policy: listing.photo_policy,
        legal_basis: listing.legal_basis,
        safety: listing.safety,
        safeguarding: listing.safeguarding,
        fees: listing.fees,
        host_share_percent: listing.host_share_percent,
        refund_policy: listing.refund_policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_that_most_contradict_are_shown_first_and_there_are_not_too_many() {
        let told = |number: u8, confirmed, contradicted| ClaimTold {
            claim: format!("Claim {number}"),
            confirmed,
            contradicted,
            not_seen: 0,
            review_ids: Vec::new(),
        };
        let mut claims: Vec<_> = (0..60).map(|number| told(number, 0, 0)).collect();
        claims.extend([told(60, 9, 0), told(61, 0, 1), told(62, 0, 2), told(63, 1, 1)]);
        let shown = shown(claims);
        let words: Vec<_> = shown.iter().take(6).map(|claim| claim.claim.as_str()).collect();
        assert_eq!(words, ["Claim 62", "Claim 63", "Claim 61", "Claim 60", "Claim 0", "Claim 1"]);
        assert_eq!((shown.len(), shown[0].contradicted), (CLAIMS, 2));
    }
}
