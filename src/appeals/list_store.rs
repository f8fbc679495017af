//! Queries for the lists of appeals.

use diesel::prelude::*;

use super::{model::AppealStatus, store::AppealRow};
use crate::{
    auth::{Caller, Role},
    db::{Conn, schema::appeals},
    http::{Error, Position},
    ids::{AppealId, PrincipalId},
    moderation::Party,
    time::Timestamp,
};

/// A cursor's number as the moment that it was made from.
fn moment(position: &Position) -> Result<Timestamp, Error> {
    Timestamp::from_micros(position.number).ok_or(Error::Cursor)
}

/// Appeals for moderators, oldest first, from behind `after`.
pub fn queue(
    conn: &mut Conn,
    status: Option<AppealStatus>,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<AppealRow>, Error> {
    let mut query = appeals::table.select(AppealRow::as_select()).into_boxed();
    if let Some(status) = status {
        query = query.filter(appeals::status.eq(status));
    }
    if let Some(position) = after {
        let (made, last) = (moment(position)?, AppealId::from_uuid(position.id));
        query =
            query.filter(appeals::created_at.ge(made)).filter(appeals::created_at.gt(made).or(appeals::id.gt(last)));
    }
    Ok(query.order((appeals::created_at, appeals::id)).limit(limit).load(conn)?)
}

/// The caller's own appeals, newest first, from behind `after`: a participant's, or those of a provider.
pub fn own(conn: &mut Conn, caller: &Caller, after: Option<&Position>, limit: i64) -> Result<Vec<AppealRow>, Error> {
    let mut query = appeals::table.select(AppealRow::as_select()).into_boxed();
    query = match (caller.role, caller.provider) {
        (Role::Provider, Some(provider)) => {
            query.filter(appeals::provider_id.eq(provider)).filter(appeals::party.eq(Party::Provider))
        }
        _ => query.filter(appeals::appellant_id.eq(caller.id)),
    };
    if let Some(position) = after {
        let (made, last) = (moment(position)?, AppealId::from_uuid(position.id));
        query =
            query.filter(appeals::created_at.le(made)).filter(appeals::created_at.lt(made).or(appeals::id.lt(last)));
    }
    Ok(query.order((appeals::created_at.desc(), appeals::id.desc())).limit(limit).load(conn)?)
}

/// All appeals of a person, oldest first.
pub fn of_appellant(conn: &mut Conn, appellant: PrincipalId) -> QueryResult<Vec<AppealRow>> {
    appeals::table
        .filter(appeals::appellant_id.eq(appellant))
        .order((appeals::created_at, appeals::id))
        .select(AppealRow::as_select())
        .load(conn)
}
