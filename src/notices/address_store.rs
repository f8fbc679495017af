//! Queries on `notice_addresses`.

use diesel::prelude::*;

use super::model::{Recipient, RecipientKind};
use crate::{
    db::{
        Conn,
        schema::{notice_addresses, notices},
    },
    http::Error,
    on_each_backend, sign_in,
    time::Timestamp,
};

/// A row of `notice_addresses`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = notice_addresses)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct AddressRow {
    pub recipient_id: Vec<u8>,
    pub recipient_kind: RecipientKind,
    pub address_hash: Vec<u8>,
    pub sealed: Vec<u8>,
    pub confirmed: i32,
}

/// Where the notices of a recipient go, confirmed or not.
pub fn find(conn: &mut Conn, to: &Recipient) -> QueryResult<Option<AddressRow>> {
    notice_addresses::table.find(to.bytes()).select(AddressRow::as_select()).first(conn).optional()
}

/// An address that is about to be stored, and the code that will confirm it.
#[derive(Debug, Clone)]
pub struct NewAddress {
    /// Whose.
    pub to: Recipient,
    /// Keyed hash of the address.
    pub address_hash: [u8; 32],
    /// The address, sealed.
    pub sealed: Vec<u8>,
    /// Keyed hash of the code.
    pub code_hash: [u8; 32],
}

/// Puts an unconfirmed address in the place of the one before, and drops what was to be sent to that one. False when the
/// mailbox has had its share of codes: then nothing is to be sent, and a code that was sent before holds on.
pub fn put(conn: &mut Conn, new: &NewAddress, now: Timestamp) -> QueryResult<bool> {
    let row = AddressRow {
        recipient_id: new.to.bytes(),
        recipient_kind: new.to.kind(),
        address_hash: new.address_hash.to_vec(),
        sealed: new.sealed.clone(),
        confirmed: 0,
    };
    on_each_backend!(conn, |c| diesel::insert_into(notice_addresses::table)
        .values(&row)
        .on_conflict(notice_addresses::recipient_id)
        .do_update()
        .set(&row)
        .execute(c))?;
    drop_waiting(conn, &new.to)?;
    sign_in::store::put_code(conn, &new.address_hash, &new.code_hash, now)
}

/// Counts the try, and confirms the address if the code is the right one.
pub fn confirm(
    conn: &mut Conn,
    to: &Recipient,
    row: &AddressRow,
    code: &[u8; 32],
    now: Timestamp,
) -> Result<bool, Error> {
    let hash = <&[u8; 32]>::try_from(row.address_hash.as_slice()).map_err(Error::internal)?;
    if !sign_in::store::right_code(conn, hash, code, now)? {
        return Ok(false);
    }
    // The code is of the address that was read, so it does not confirm another one that was put since.
    let same = notice_addresses::table.find(to.bytes()).filter(notice_addresses::sealed.eq(&row.sealed));
    Ok(diesel::update(same).set(notice_addresses::confirmed.eq(1)).execute(conn)? == 1)
}

/// Erases the address, its code, and what was to be sent to it; there may be none.
pub fn end(conn: &mut Conn, to: &Recipient) -> QueryResult<()> {
    let row = notice_addresses::table.find(to.bytes());
    let hash: Option<Vec<u8>> =
        diesel::delete(row).returning(notice_addresses::address_hash).get_result(conn).optional()?;
    if let Some(hash) = hash {
        sign_in::store::forget_code(conn, &hash)?;
    }
    diesel::delete(notices::table.filter(notices::recipient_id.eq(to.bytes()))).execute(conn).map(drop)
}

fn drop_waiting(conn: &mut Conn, to: &Recipient) -> QueryResult<()> {
    let waiting =
        notices::table.filter(notices::recipient_id.eq(to.bytes())).filter(notices::next_at.gt(Timestamp::EPOCH));
    diesel::delete(waiting).execute(conn).map(drop)
}
