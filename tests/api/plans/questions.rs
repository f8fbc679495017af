//! What the stores are asked, by whom it is asked for.

use preceptor::{
    account,
    appeals::{self, model::AppealStatus},
    assessments::{
        list_store as assessment_lists,
        model::{AssessmentStatus, Reader},
        store as assessment_store,
    },
    audit,
    auth::{self, Caller, Role},
    cohorts::{self, store::Party as Issuer},
    confirmations::{self, model::RequestStatus},
    db::Conn,
    decisions::store::{Filter, concerning, read, record},
    flags::{
        self,
        model::{CaseStatus, FlaggerClass, Party},
    },
    http::{PolicyName, Position, idempotency_store, limits::Limits},
    ids::{
        AppealId, AssessmentId, CohortId, DecisionId, PrincipalId, ProgramId, ProviderId, QueueItemId, ReportId,
        ReviewCaseId, ReviewId, SessionId, TriageEntryId, UniversityId,
    },
    moderation::{
        SubjectKind, claim_store, proposal_store,
        queue::{ClaimFilter, QueueFilter, QueueKind},
        queue_store,
    },
    notices, participation, principals,
    programs::{desk_store, model::ProgramStatus},
    providers, red_flags,
    reference::RedFlagKind,
    replies, retention,
    reviews::{
        checks::near_copy::Sketch,
        list_store::{self, PublicFilter, ReviewSort},
        response_store,
        store::{self, Traces, cohort, traces},
    },
    self_reports::{self, triage_store},
    sessions,
    time::Timestamp,
    universities,
    verdict::TriageStatus,
    vetting::{export_store, history_store, rubric_store, standing_store},
};
use uuid::Uuid;

/// What reading a verdict and what it rests on asks for.
pub fn vetting(conn: &mut Conn, program: ProgramId) {
    standing_store::inputs(conn, program).unwrap();
    standing_store::gather(conn, program, 1, None).unwrap();
    history_store::changes(conn, program, 21).unwrap();
    export_store::batch(conn, None).unwrap();
    export_store::batch(conn, Some(program)).unwrap();
    self_reports::store::claims(conn, program).unwrap();
    participation::store::codes_issued(conn, program).unwrap();
    rubric_store::newest(conn, Some(9), 21).unwrap();
    rubric_store::read(conn, Some(1)).unwrap();
    rubric_store::current(conn).unwrap();
}

/// What moderators ask for about signals.
pub fn triage(conn: &mut Conn, program: ProgramId, entry: TriageEntryId, after: &Position) {
    let open = Some(TriageStatus::Open);
    for (status, of) in [(None, None), (open, None), (None, Some(program)), (open, Some(program))] {
        let filter = triage_store::Filter { status, program: of };
        triage_store::queue(conn, filter, None, 21).unwrap();
        triage_store::queue(conn, filter, Some(after), 21).unwrap();
    }
    triage_store::entries(conn, program).unwrap();
    triage_store::detail(conn, entry).unwrap();
}

/// What moderators and providers ask for about reports.
pub fn reports(conn: &mut Conn, program: ProgramId, after: &Position) {
    let (report, provider) = (ReportId::from_uuid(Uuid::nil()), ProviderId::from_uuid(Uuid::nil()));
    red_flags::list_store::of_reporter(conn, PrincipalId::from_uuid(Uuid::nil()), None, 21).unwrap();
    red_flags::list_store::found_true(conn, program, None, 21).unwrap();
    red_flags::store::find(conn, report).unwrap();
    for after in [None, Some(after)] {
        for status in [None, Some(red_flags::model::ReportStatus::Submitted)] {
            for urgent in [None, Some(true), Some(false)] {
                let filter = red_flags::list_store::Filter { status, urgent, ..Default::default() };
                red_flags::list_store::queue(conn, filter, after, 21).unwrap();
            }
        }
        red_flags::answer_store::of_provider(conn, provider, after, 21).unwrap();
    }
    red_flags::answer_store::of_report(conn, report).unwrap();
    assert!(red_flags::answer_store::find_asked(conn, report, provider).is_err());
    red_flags::group_store::group(conn, program, RedFlagKind::ALL[0]).unwrap();
    red_flags::group_store::beside(conn, program, &[]).unwrap();
}

/// What anyone and providers ask for about reviews.
pub fn reviews(conn: &mut Conn, program: ProgramId, review: ReviewId) {
    for sort in ReviewSort::ALL {
        let filter =
            PublicFilter { sort: *sort, training_level: None, half_year: None, verified: None, recommends: None };
        list_store::of_program(conn, program, &filter, None, 21).unwrap();
        if *sort == ReviewSort::Helpful {
            // The half with votes, and the half without.
            for last in [Position::by_number(2, Uuid::nil()), Position::by_number(0, *review.as_uuid())] {
                list_store::of_program(conn, program, &filter, Some(&last), 21).unwrap();
            }
        }
    }
    list_store::of_participant(conn, PrincipalId::from_uuid(Uuid::nil()), None, 21).unwrap();
    let row = store::find(conn, review).unwrap();
    cohort::others(conn, &row, 20).unwrap();
    cohort::public(conn, &row, 20).unwrap();
    response_store::find(conn, review).unwrap();
    replies::store::find(conn, review).unwrap();
    replies::store::former(conn, review).unwrap();
    replies::store::decisions(conn, review).unwrap();
}

/// What providers, and moderators of listings, ask for.
pub fn desk(conn: &mut Conn, after: &Position) {
    let provider = ProviderId::from_uuid(Uuid::nil());
    desk_store::of_provider(conn, provider, Some(ProgramStatus::Draft), Some(after), 21).unwrap();
    desk_store::submitted(conn, Some(after), 21).unwrap();
    providers::store::find_by_key(conn, "plans").unwrap();
    universities::store::list(conn, &universities::store::Filter::default(), None, 21).unwrap();
}

/// What assessors ask for.
pub fn assessments(conn: &mut Conn, program: ProgramId, after: &Position) {
    let assessment = AssessmentId::from_uuid(Uuid::nil());
    assert!(assessment_store::find(conn, assessment).is_err());
    for after in [None, Some(after)] {
        assessment_lists::all(conn, after, 21).unwrap();
        assessment_lists::by_status(conn, AssessmentStatus::Submitted, after, 21).unwrap();
        assessment_lists::revisions(conn, assessment, after, 21).unwrap();
        for reader in [Reader::Staff, Reader::Provider, Reader::Public] {
            assessment_lists::of_program(conn, program, reader, after, 21).unwrap();
        }
    }
}

/// What is looked at before something is written.
pub fn writing(conn: &mut Conn, program: ProgramId) {
    let (limits, now) = (Limits::new(true, &[]), Timestamp::now());
    let daily = |name| limits.daily(name).unwrap();
    let someone = PrincipalId::from_uuid(Uuid::nil());
    list_store::left_today(conn, someone, daily(PolicyName::Review), now).unwrap();
    red_flags::list_store::left_today(conn, someone, daily(PolicyName::Report), now).unwrap();
    let words = "one two three four five six seven eight nine ten ".repeat(2);
    let provider = traces::provider_of(conn, program).unwrap();
    let kept = Traces { provider, sketches: Sketch::of(&words).into_iter().collect() };
    traces::context(conn, someone, program, &kept, now).unwrap();
    let review = ReviewId::from_uuid(Uuid::nil());
    traces::by_others(conn, someone, &[review]).unwrap();
    cohort::moments(conn, program).unwrap();
    cohort::due(conn, now, 20).unwrap();
    notices::address_store::find(conn, &notices::model::Recipient::Participant(someone)).unwrap();
    idempotency_store::find(conn, &[0; 32], now).unwrap();
    idempotency_store::purge(conn, now, 10).unwrap();
}

/// What is asked about accounts.
pub fn people(conn: &mut Conn, person: PrincipalId, moderator: PrincipalId) {
    let (now, session) = (Timestamp::now(), SessionId::from_uuid(Uuid::nil()));
    account::store::overview(conn, person, 100).unwrap();
    account::store::open_sessions(conn, person, Some((now, session)), 21, now).unwrap();
    account::store::stored(conn, person).unwrap();
    sessions::store::purge(conn, Timestamp::EPOCH, Timestamp::EPOCH, 10).unwrap();
    principals::store::list(conn, auth::Role::Moderator, Some(moderator), 21).unwrap();
    principals::store::conflicts(conn, moderator, None, 21).unwrap();
    audit::store::newest(conn, Some(9), 21).unwrap();
}

/// What waits for moderators.
pub fn queue(conn: &mut Conn, program: ProgramId, after: &Position) {
    let (nobody, now) = (PrincipalId::from_uuid(Uuid::nil()), Timestamp::now());
    for claim in ClaimFilter::ALL {
        for urgent in [None, Some(true), Some(false)] {
            for program in [None, Some(program)] {
                let filter = QueueFilter { kind: None, program, claim: *claim, urgent };
                queue_store::page(conn, &filter, nobody, now, None, 21).unwrap();
                queue_store::page(conn, &filter, nobody, now, Some(after), 21).unwrap();
            }
        }
    }
    for kind in QueueKind::ALL {
        assert!(queue_store::find(conn, *kind, QueueItemId::from_uuid(Uuid::nil()), nobody, now).is_err());
    }
    proposal_store::find(conn, SubjectKind::RedFlagReport, &Uuid::nil(), 1).unwrap();
    claim_store::purge(conn, now, 10).unwrap();
}

/// What those who vouch ask for, and what is asked when somebody writes.
pub fn vouching(conn: &mut Conn, program: ProgramId, after: &Position) {
    let (someone, month) = (PrincipalId::from_uuid(Uuid::nil()), "2025-03".parse().unwrap());
    let (university, provider) = (UniversityId::from_uuid(Uuid::nil()), ProviderId::from_uuid(Uuid::nil()));
    let last = Some(CohortId::from_uuid(Uuid::nil()));
    for party in [None, Some(Issuer::University(university)), Some(Issuer::Provider(provider))] {
        cohorts::store::list(conn, party, None, 21).unwrap();
        cohorts::store::list(conn, party, last, 21).unwrap();
    }
    cohorts::store::stale(conn, Timestamp::now().day(), 20).unwrap();
    for status in [None, Some(RequestStatus::Pending)] {
        confirmations::store::of_university(conn, university, status, None, 21).unwrap();
        confirmations::store::of_university(conn, university, status, Some(after), 21).unwrap();
    }
    confirmations::store::of_participant(conn, someone).unwrap();
    participation::store::evidence(conn, someone, program, (month, month)).unwrap();
}

/// What upkeep looks for.
pub fn upkeep(conn: &mut Conn) {
    let now = Timestamp::now();
    notices::store::claim(conn, now, 10).unwrap();
    notices::store::forget_settled(conn, now, 10).unwrap();
    retention::store::purge(conn, Timestamp::EPOCH, 10).unwrap();
}

/// What moderators and flaggers ask for about flags, and everybody who reports about their right to.
pub fn flagged(conn: &mut Conn, by: PrincipalId, case: ReviewCaseId, review: ReviewId, after: &Position) {
    let party = Party { class: FlaggerClass::Participant, id: *by.as_uuid() };
    for status in CaseStatus::ALL {
        flags::store::queue(conn, *status, None, 21).unwrap();
        flags::store::queue(conn, *status, Some(after), 21).unwrap();
    }
    flags::store::detail(conn, case).unwrap();
    flags::store::own(conn, party, review).unwrap();
    flags::store::of_participant(conn, by).unwrap();
    flags::store::precision(conn, party).unwrap();
    red_flags::measure_store::suspension(conn, by, Timestamp::EPOCH).unwrap();
    red_flags::measure_store::of_report(conn, ReportId::from_uuid(Uuid::nil())).unwrap();
}

/// What the public record, appeals and their lists ask for.
pub fn redress(conn: &mut Conn, program: ProgramId, after: &Position) {
    let (nobody, kind) = (Uuid::nil(), Some(SubjectKind::Program));
    let provider = Some(ProviderId::from_uuid(nobody));
    for filter in [
        Filter::default(),
        Filter { kind, ..Filter::default() },
        Filter { action: Some("list".to_owned()), ..Filter::default() },
        Filter { program: Some(program), ..Filter::default() },
        Filter { provider, ..Filter::default() },
    ] {
        for after in [None, Some(after)] {
            record(conn, &filter, after, 21).unwrap();
        }
    }
    assert!(read(conn, DecisionId::from_uuid(nobody), None).is_err());
    for role in [Role::Participant, Role::Provider] {
        let caller = Caller { id: PrincipalId::from_uuid(nobody), role, provider, university: None };
        for after in [None, Some(after)] {
            concerning(conn, &caller, after, 21).unwrap();
            appeals::list_store::own(conn, &caller, after, 21).unwrap();
            appeals::list_store::queue(conn, Some(AppealStatus::Pending), after, 21).unwrap();
            appeals::list_store::queue(conn, None, after, 21).unwrap();
        }
        assert!(appeals::store::read(conn, AppealId::from_uuid(nobody), &caller).is_err());
    }
    appeals::list_store::of_appellant(conn, PrincipalId::from_uuid(nobody)).unwrap();
}
