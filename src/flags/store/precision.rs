//! How often flags were right.

use diesel::{dsl::count_star, prelude::*};

use crate::{
    db::{
        Conn,
        schema::{review_cases, review_flags},
    },
    flags::model::{CaseOutcome, FlaggerClass, Party},
};

/// How many flags were made, and what moderators found about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Precision {
    /// Flags made, in open cases too.
    pub made: i64,
    /// Those on which a moderator has ruled.
    pub ruled: i64,
    /// Those of them that were found right.
    pub upheld: i64,
}

impl Precision {
    fn add(&mut self, outcome: Option<CaseOutcome>, flags: i64) {
        let upheld = outcome.and_then(CaseOutcome::is_upheld);
        self.made += flags;
        self.ruled += if upheld.is_some() { flags } else { 0 };
        self.upheld += if upheld == Some(true) { flags } else { 0 };
    }
}

/// How often the flags of one party were right.
pub fn precision(conn: &mut Conn, party: Party) -> QueryResult<Precision> {
    let counts: Vec<(Option<CaseOutcome>, i64)> = review_flags::table
        .inner_join(review_cases::table)
        .filter(review_flags::party_id.eq(party.id.as_bytes().to_vec()))
        .group_by(review_cases::outcome)
        .select((review_cases::outcome, count_star()))
        .load(conn)?;
    let mut all = Precision::default();
    for (outcome, flags) in counts {
        all.add(outcome, flags);
    }
    Ok(all)
}

/// How often the flags of each class were right, those of erased participants included. Reads every flag.
pub fn precision_by_class(conn: &mut Conn) -> QueryResult<Vec<(FlaggerClass, Precision)>> {
    let counts: Vec<(FlaggerClass, Option<CaseOutcome>, i64)> = review_flags::table
        .inner_join(review_cases::table)
        .group_by((review_flags::party_class, review_cases::outcome))
        .select((review_flags::party_class, review_cases::outcome, count_star()))
        .load(conn)?;
    let of = |class: &FlaggerClass| {
        let mut all = Precision::default();
        for (_, outcome, flags) in counts.iter().filter(|(of, ..)| of == class) {
            all.add(*outcome, *flags);
        }
        (*class, all)
    };
    Ok(FlaggerClass::ALL.iter().map(of).collect())
}
