//! What the demonstration shows of moderation: a review that the checks hold, replies and votes, flags with their case,
//! a report about which the provider is asked, a verified one, and appeals.

use serde::Deserialize;
use uuid::Uuid;

use super::{DAY, DemoReport, DemoReview, Loader, decision_id, parse_one};
use crate::{
    appeals::{
        model::{AppealDecisionInput, AppealInput},
        store::{self as appeal_store, Ruling},
    },
    auth::{Caller, Role},
    cohorts::store::{self as cohort_store, NewCohort},
    db::Conn,
    flags::{
        model::{Party, ReviewFlagInput},
        store::{self as flag_store, NewFlag},
    },
    http::Error,
    ids::{AppealId, CohortId, DecisionId, NoticeId, ReviewCaseId, ReviewFlagId, ReviewId, SessionId},
    moderation::{self, SubjectKind},
    participation::{
        self,
        model::Cohort,
        store::{Attempt, Redeemed, Redeemer},
    },
    programs::derived,
    red_flags::answer_store::{self, Question},
    replies::{model::ReplyTarget, store as reply_store},
    reviews::{
        checks::{Candidate, check, near_copy::sketches},
        cohort::CohortRule,
        response_store,
        store::{self as review_store, NewReview, ReviewRow, Traces, Written, traces},
    },
    time::Timestamp,
    universities,
};

const MODERATION: &str = include_str!("moderation.json");
/// Participants of the cohort for which a university vouches.
const COHORT: u32 = 6;
/// Most decisions on one review that are read to find the one that is appealed against.
const HISTORY: i64 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoModeration {
    held: Vec<DemoReview>,
    replies: Vec<DemoReply>,
    votes: Vec<DemoVotes>,
    flags: Vec<DemoFlag>,
    asked: Vec<DemoAsked>,
    verified: DemoReport,
    appeals: Vec<DemoAppeal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoReply {
    program: String,
    participant: u16,
    text: String,
    answer: Option<String>,
    days_ago: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoVotes {
    program: String,
    participant: u16,
    voters: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoFlag {
    program: String,
    participant: u16,
    by: Flagger,
    flag: ReviewFlagInput,
    days_ago: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flagger {
    Participant(u16),
    Provider(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoAsked {
    report: DemoReport,
    question: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoAppeal {
    program: String,
    participant: u16,
    words: String,
    days_ago: i64,
    decision: Option<AppealDecisionInput>,
}

/// Makes all of it. The programs, reviews and reports are there.
pub(super) fn load(conn: &mut Conn, loader: &mut Loader<'_>) -> Result<(), Error> {
    let demo: DemoModeration = parse_one(MODERATION)?;
    for review in &demo.held {
        loader.checked(conn, review)?;
    }
    for reply in &demo.replies {
        loader.reply(conn, reply)?;
    }
    for votes in &demo.votes {
        let review = loader.written(&votes.program, votes.participant)?;
        for voter in &votes.voters {
            let voter = loader.participant(conn, *voter)?;
            response_store::vote(conn, voter.id, review)?;
        }
    }
    for flag in demo.flags {
        loader.flag(conn, flag)?;
    }
    for asked in &demo.asked {
        let id = loader.report(conn, &asked.report)?;
        let now = loader.ago(1);
        let question = Question { summary: &asked.question, decision: decision_id(), now, audit: loader.log };
        answer_store::ask(conn, &loader.moderator, id, &question)?;
    }
    loader.verified(conn, demo.verified)?;
    for appeal in &demo.appeals {
        loader.appeal(conn, appeal)?;
    }
    Ok(())
}

impl Loader<'_> {
    fn ago(&self, days: i64) -> Timestamp {
        self.now.plus_seconds(-DAY * days)
    }

    /// The latest review that a participant of the demonstration wrote about a program.
    fn written(&self, program: &str, participant: u16) -> Result<ReviewId, Error> {
        let known = self.reviews.get(&(program.to_owned(), participant)).copied();
        known.ok_or_else(|| Error::internal(format!("unknown demo review {program} {participant}")))
    }

    /// A review in which the automatic checks find something.
    fn checked(&mut self, conn: &mut Conn, demo: &DemoReview) -> Result<(), Error> {
        let (program, author, at) =
            (self.program(&demo.program)?, self.participant(conn, demo.participant)?, self.ago(demo.days_ago));
        let candidate = Candidate::from(&demo.review.text);
        let traces = Traces { provider: traces::provider_of(conn, program)?, sketches: sketches(&candidate) };
        let findings = check(&candidate, &traces::context(conn, author.id, program, &traces, at)?);
        if findings.is_empty() {
            return Err(Error::internal("the checks find nothing in the demo review that they are to hold"));
        }
        let new = NewReview {
            id: ReviewId::from_uuid(Uuid::new_v4()),
            program,
            participant: author.id,
            pseudonym: self.pseudonyms.pseudonym(author.id, program),
            verification: demo.verification,
            content: &demo.review,
        };
        let row = ReviewRow::checked(&new, &findings, at)?;
        let counts = derived::rated(&demo.review, row.half_year, row.verification);
        Written { report: row.self_report(&demo.review), row, counts, traces, record: decision_id() }.store(conn)
    }

    fn reply(&self, conn: &mut Conn, demo: &DemoReply) -> Result<(), Error> {
        let notice = || NoticeId::from_uuid(Uuid::now_v7());
        let review = self.written(&demo.program, demo.participant)?;
        let provider = traces::provider_of(conn, self.program(&demo.program)?)?;
        let row = reply_store::create(conn, review, provider, &demo.text, notice(), self.ago(demo.days_ago))?;
        if let Some(answer) = &demo.answer {
            let later = self.ago(demo.days_ago - 2);
            reply_store::write(conn, &row, ReplyTarget::Answer, answer, notice(), later)?;
        }
        Ok(())
    }

    fn flag(&mut self, conn: &mut Conn, demo: DemoFlag) -> Result<(), Error> {
        let by = match demo.by {
            Flagger::Participant(number) => self.participant(conn, number)?,
            Flagger::Provider(slug) => {
                let provider = self.providers.get(&slug).copied();
                Caller { role: Role::Provider, provider, ..self.moderator }
            }
        };
        let new = NewFlag {
            id: ReviewFlagId::from_uuid(Uuid::new_v4()),
            case: ReviewCaseId::from_uuid(Uuid::new_v4()),
            record: decision_id(),
            by,
            party: Party::of(&by).ok_or_else(|| Error::internal("unknown demo flagger"))?,
            review: self.written(&demo.program, demo.participant)?,
            input: demo.flag,
        };
        flag_store::flag(conn, &new, self.ago(demo.days_ago)).map(drop)
    }

    /// A cohort of the first university, and a report by somebody who has redeemed one of its codes.
    fn verified(&mut self, conn: &mut Conn, mut demo: DemoReport) -> Result<(), Error> {
        let university = universities::store::first_registered(conn)?;
        let university = university.ok_or_else(|| Error::internal("the demo has no university"))?;
        let last = self.now.day().month().minus_months(1);
        let cohort =
            Cohort { program: self.program(&demo.program)?, period_start: last.minus_months(1), period_end: last };
        let codes = crate::cohorts::routes::fresh_codes(COHORT)?;
        let (made, redeemed) = (self.ago(demo.days_ago + 6), self.ago(demo.days_ago + 1));
        let new = NewCohort {
            id: CohortId::from_uuid(Uuid::now_v7()),
            cohort,
            party: cohort_store::Party::University(university),
            size: codes.len(),
            codes: &codes,
            expires_at: made.plus_seconds(crate::cohorts::model::DAYS * DAY),
        };
        cohort_store::make(conn, &new, made)?;
        if let Some(code) = codes.first() {
            let attempt = Attempt {
                code: code.clone(),
                redeemer: Redeemer::Known(self.participant(conn, demo.reporter)?.id),
                session: SessionId::from_uuid(Uuid::now_v7()),
                refresh_token: self.sessions.refresh_token(code),
            };
            let result = participation::store::redeem(conn, &attempt, self.log, redeemed)?;
            if !matches!(result, Redeemed::Granted(..)) {
                return Err(Error::internal("a fresh demo code does not hold"));
            }
        }
        // In the months for which the code speaks.
        (demo.report.happened.start_month, demo.report.happened.end_month) = (last, last);
        self.report(conn, &demo).map(drop)
    }

    /// An appeal of the author against the ruling that their review stands under, ruled on by the other moderator.
    fn appeal(&mut self, conn: &mut Conn, demo: &DemoAppeal) -> Result<(), Error> {
        let review = self.written(&demo.program, demo.participant)?;
        let author = self.participant(conn, demo.participant)?;
        let decisions = moderation::store::history(conn, SubjectKind::Review, review.as_uuid(), HISTORY)?;
        // Of one moment, so that their order says nothing: the one that gave the present state.
        let status = review_store::find(conn, review)?.status;
        let ruled = decisions.iter().find(|decision| decision.to_status == status.as_str());
        let decided = ruled.ok_or_else(|| Error::internal("no ruling to appeal against"))?;
        let (id, input) = (AppealId::from_uuid(Uuid::new_v4()), AppealInput { words: demo.words.clone() });
        let row = appeal_store::create(conn, &author, decided.id, &input, id, self.ago(demo.days_ago))?;
        if let Some(decision) = &demo.decision {
            let [first, second]: [DecisionId; 2] = [decision_id(), decision_id()];
            let ruling = Ruling {
                record: decision_id(),
                undone: [first.min(second), first.max(second)],
                rule: &CohortRule::off(),
                now: self.ago(demo.days_ago - 4),
                audit: self.log,
            };
            appeal_store::decide(conn, &self.second, &row, decision, &ruling)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use validator::Validate;

    use super::*;
    use crate::{red_flags::answers::AnswerRequestInput, replies::model::ReplyInput};

    #[test]
    fn every_entry_keeps_the_rules_of_its_input() {
        let demo: DemoModeration = parse_one(MODERATION).unwrap();
        for review in demo.held {
            review.review.validate().unwrap();
            assert!(
                !check(&Candidate::from(&review.review.text), &crate::reviews::checks::Context::default()).is_empty()
            );
        }
        for reply in demo.replies {
            for text in [Some(reply.text), reply.answer].into_iter().flatten() {
                ReplyInput { text }.validate().unwrap();
            }
        }
        demo.flags.iter().for_each(|flag| flag.flag.validate().unwrap());
        for asked in demo.asked {
            let question = AnswerRequestInput { summary: asked.question };
            question.validate().unwrap();
            assert_eq!(question.faults(&asked.report.report.narrative), []);
            asked.report.report.validate().unwrap();
        }
        demo.verified.report.validate().unwrap();
        for appeal in demo.appeals {
            AppealInput { words: appeal.words }.validate().unwrap();
            appeal.decision.iter().for_each(|decision| decision.validate().unwrap());
        }
    }
}
