//! Handlers of the addresses for notices.

use actix_web::{
    delete, get, post, put,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    address_store::{self, AddressRow, NewAddress},
    model::{
        CODE_SUBJECT, NoticeAddress, NoticeAddressInput, NoticeCodeInput, NoticeKeys, NoticeStatus, Recipient,
        code_letter, masked,
    },
};
use crate::{
    app::State,
    auth::{Caller, OwnProvider, Participant},
    db::Conn,
    http::{Answer, Answered, Error, Fault, FaultCode, Found, Json, NoContent, NoQuery, Once, Render, Seen},
    mail::Letter,
    providers::store::{self as provider_store, ProviderKey},
    sign_in::model::{Address, CODE_BYTES, code},
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_own)
        .service(put_own)
        .service(confirm_own)
        .service(end_own)
        .service(get_of_provider)
        .service(put_of_provider)
        .service(confirm_of_provider)
        .service(end_of_provider);
}

/// 200 with where notices go.
struct Shown {
    status: u16,
    body: NoticeAddress,
}

impl Render for Shown {
    fn render(self) -> Result<Answer, Error> {
        let body = serde_json::to_vec(&self.body).map_err(Error::internal)?;
        Ok(Answer { status: self.status, location: None, etag: None, body, replayed: false })
    }
}

fn status(row: &AddressRow) -> NoticeStatus {
    if row.confirmed == 1 { NoticeStatus::Confirmed } else { NoticeStatus::Unconfirmed }
}

fn opened(keys: &NoticeKeys, row: &AddressRow) -> Result<String, Error> {
    keys.open(&row.sealed).ok_or_else(|| Error::internal("an address does not open with the key of this service"))
}

fn keys(state: &State) -> NoticeKeys {
    NoticeKeys::derive(state.auth.keys().secret())
}

async fn show(state: &State, to: Recipient) -> Result<Found<NoticeAddress>, Error> {
    let row = state.db.read_latest(move |conn| Ok(address_store::find(conn, &to)?)).await?;
    let body = match row {
        Some(row) => NoticeAddress { status: status(&row), address: Some(masked(&opened(&keys(state), &row)?)) },
        None => NoticeAddress { status: NoticeStatus::None, address: None },
    };
    Ok(Found::computed(body))
}

/// Stores an address and sends the code that confirms it. One that is confirmed stays so.
async fn put(state: &State, to: Recipient, input: NoticeAddressInput) -> Result<Answer, Error> {
    let address: Address = input.address.parse().map_err(Error::internal)?;
    let written = address.to_string();
    let keys = keys(state);
    let shown =
        |status, state| Shown { status, body: NoticeAddress { status: state, address: Some(masked(&written)) } };
    let before = state.db.read_latest(move |conn| Ok(address_store::find(conn, &to)?)).await?;
    if let Some(row) = before.filter(|row| row.confirmed == 1)
        && opened(&keys, &row)? == written
    {
        return shown(200, NoticeStatus::Confirmed).render();
    }
    let mut random = [0; CODE_BYTES];
    rand::fill(&mut random).map_err(Error::internal)?;
    let code = code(random);
    let new = NewAddress {
        to,
        address_hash: keys.hash(&address),
        sealed: keys.seal(&address).ok_or_else(|| Error::internal("nothing could be sealed"))?,
        code_hash: keys.code_hash(&to, &written, &code),
    };
    let now = state.now();
    if state.db.write(move |conn| Ok(address_store::put(conn, &new, now)?)).await? {
        let text = code_letter(&code);
        state.mailer.post(Letter { id: Uuid::new_v4(), at: now, to: written.clone(), subject: CODE_SUBJECT, text });
    }
    shown(202, NoticeStatus::Unconfirmed).render()
}

/// Confirms an address. The try is counted in a transaction of its own, which a wrong code does not undo; an address that
/// is confirmed already needs no code, so the request can be sent again.
async fn confirm(
    state: &Data<State>,
    caller: &Caller,
    to: Recipient,
    once: Once,
    body: Json<NoticeCodeInput>,
) -> Result<Answered<Confirmed>, Error> {
    let mut once = once.begin(state, caller)?;
    let read = move |conn: &mut Conn| Ok(address_store::find(conn, &to)?);
    let row = match once.read(read).await? {
        Seen::New(row) => row,
        Seen::Answered(answer) => return Ok(answer),
    };
    let NoticeCodeInput { code } = body.valid()?;
    let detail = "The code does not hold for the address. Ask for a new one.";
    let refused = || Error::Invalid(vec![Fault::at("/code", FaultCode::NotAllowed, detail)]);
    let row = row.ok_or_else(refused)?;
    let (keys, now) = (keys(state), state.now());
    let address = opened(&keys, &row)?;
    if row.confirmed == 0 {
        let hash = keys.code_hash(&to, &address, &code);
        if !state.db.write(move |conn| address_store::confirm(conn, &to, &row, &hash, now)).await? {
            return Err(refused());
        }
    }
    let address = masked(&address);
    let confirmed = move |_: &mut Conn| {
        Ok(Confirmed(NoticeAddress { status: NoticeStatus::Confirmed, address: Some(address.clone()) }))
    };
    once.write(confirmed).await
}

/// 200 with the confirmed address.
pub struct Confirmed(NoticeAddress);

impl Render for Confirmed {
    fn render(self) -> Result<Answer, Error> {
        Shown { status: 200, body: self.0 }.render()
    }
}

async fn end(state: &State, to: Recipient) -> Result<NoContent, Error> {
    state.db.write(move |conn| Ok(address_store::end(conn, &to)?)).await?;
    Ok(NoContent)
}

/// The provider in the path, which is the caller's own; others do not exist for it.
async fn own(state: &State, own: &OwnProvider, key: Path<ProviderKey>) -> Result<Recipient, Error> {
    let found = state.db.read(move |conn| Ok(provider_store::find(conn, &key)?)).await?;
    let found = found.filter(|row| row.id == own.provider).ok_or(Error::NotFound("provider"))?;
    Ok(Recipient::Provider(found.id))
}

/// Read where one's notices go
///
/// For participants. The address is shown masked; in full it is in the export.
#[utoipa::path(
    tag = "notices",
    operation_id = "get_own_notices",
    responses((status = 200, description = "Where notices go.", body = NoticeAddress)),
    security(("participant" = []))
)]
#[get("/v1/me/notices")]
pub async fn get_own(
    state: Data<State>,
    Participant(caller): Participant,
    _: NoQuery,
) -> Result<Found<NoticeAddress>, Error> {
    show(&state, Recipient::Participant(caller.id)).await
}

/// Ask for notices by mail
///
/// For participants: decisions about one's reviews, answers and reports, replies to one's reviews, and moderators'
/// questions are told by mail. The letters say what happened and where to read it, and nothing else. The address is used
/// for nothing else and need not be the one of sign-in. A code is sent to it, at most three in 15 minutes, and until it
/// has come back nothing else is; further requests are answered alike and send nothing. Another address takes the place
/// of the one before. Addresses have no versions, so `If-Match` is not needed.
#[utoipa::path(
    tag = "notices",
    operation_id = "put_own_notices",
    request_body(content = NoticeAddressInput, description = "Where notices are to go.",
        example = json!({"address": "student@example.edu"})),
    responses(
        (status = 200, description = "Notices go there already.", body = NoticeAddress),
        (status = 202, description = "A code is on its way, if the address takes mail.", body = NoticeAddress)
    ),
    security(("participant" = []))
)]
#[put("/v1/me/notices")]
pub async fn put_own(
    state: Data<State>,
    Participant(caller): Participant,
    _: NoQuery,
    body: Json<NoticeAddressInput>,
) -> Result<Answer, Error> {
    put(&state, Recipient::Participant(caller.id), body.valid()?).await
}

/// Confirm one's address for notices
///
/// For participants, with the code that was sent to the address. It holds for ten minutes, once, and for five tries. For
/// an address that is confirmed already nothing changes.
#[utoipa::path(
    tag = "notices",
    operation_id = "confirm_own_notices",
    request_body(content = NoticeCodeInput, description = "The code.", example = json!({"code": "0000-0000"})),
    responses((status = 200, description = "Notices are sent.", body = NoticeAddress)),
    security(("participant" = []))
)]
#[post("/v1/me/notices/confirmation")]
pub async fn confirm_own(
    state: Data<State>,
    Participant(caller): Participant,
    _: NoQuery,
    once: Once,
    body: Json<NoticeCodeInput>,
) -> Result<Answered<Confirmed>, Error> {
    confirm(&state, &caller, Recipient::Participant(caller.id), once, body).await
}

/// End one's notices
///
/// For participants: the address is erased, and nothing more is sent. `If-Match` is not needed; doing it again changes
/// nothing.
#[utoipa::path(
    tag = "notices",
    operation_id = "end_own_notices",
    responses((status = 204, description = "No address is stored.")),
    security(("participant" = []))
)]
#[delete("/v1/me/notices")]
pub async fn end_own(state: Data<State>, Participant(caller): Participant, _: NoQuery) -> Result<NoContent, Error> {
    end(&state, Recipient::Participant(caller.id)).await
}

/// Read where a provider's notices go
///
/// For the provider itself. The address is shown masked.
#[utoipa::path(
    tag = "notices",
    operation_id = "get_provider_notices",
    params(("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "himal-health-placements")),
    responses((status = 200, description = "Where notices go.", body = NoticeAddress)),
    security(("provider" = []))
)]
#[get("/v1/providers/{provider}/notices")]
pub async fn get_of_provider(
    state: Data<State>,
    caller: OwnProvider,
    key: Path<ProviderKey>,
    _: NoQuery,
) -> Result<Found<NoticeAddress>, Error> {
    let to = own(&state, &caller, key).await?;
    show(&state, to).await
}

/// Ask for a provider's notices by mail
///
/// For the provider itself: decisions about its programs and replies, answers to its replies, and reports that it is
/// asked to answer are told by mail. The letters say what happened and where to read it, and nothing else. A code is sent
/// to the address, at most three in 15 minutes, and until it has come back nothing else is; further requests are answered
/// alike and send nothing. Another address takes the place of the one before. Addresses have no versions, so `If-Match`
/// is not needed.
#[utoipa::path(
    tag = "notices",
    operation_id = "put_provider_notices",
    params(("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "himal-health-placements")),
    request_body(content = NoticeAddressInput, description = "Where notices are to go.",
        example = json!({"address": "office@example.org"})),
    responses(
        (status = 200, description = "Notices go there already.", body = NoticeAddress),
        (status = 202, description = "A code is on its way, if the address takes mail.", body = NoticeAddress)
    ),
    security(("provider" = []))
)]
#[put("/v1/providers/{provider}/notices")]
pub async fn put_of_provider(
    state: Data<State>,
    caller: OwnProvider,
    key: Path<ProviderKey>,
    _: NoQuery,
    body: Json<NoticeAddressInput>,
) -> Result<Answer, Error> {
    let to = own(&state, &caller, key).await?;
    put(&state, to, body.valid()?).await
}

/// Confirm a provider's address for notices
///
/// For the provider itself, with the code that was sent to the address. It holds for ten minutes, once, and for five
/// tries. For an address that is confirmed already nothing changes.
#[utoipa::path(
    tag = "notices",
    operation_id = "confirm_provider_notices",
    params(("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "himal-health-placements")),
    request_body(content = NoticeCodeInput, description = "The code.", example = json!({"code": "0000-0000"})),
    responses((status = 200, description = "Notices are sent.", body = NoticeAddress)),
    security(("provider" = []))
)]
#[post("/v1/providers/{provider}/notices/confirmation")]
pub async fn confirm_of_provider(
    state: Data<State>,
    caller: OwnProvider,
    key: Path<ProviderKey>,
    _: NoQuery,
    once: Once,
    body: Json<NoticeCodeInput>,
) -> Result<Answered<Confirmed>, Error> {
    let to = own(&state, &caller, key).await?;
    confirm(&state, &caller.caller, to, once, body).await
}

/// End a provider's notices
///
/// For the provider itself: the address is erased, and nothing more is sent. `If-Match` is not needed; doing it again
/// changes nothing.
#[utoipa::path(
    tag = "notices",
    operation_id = "end_provider_notices",
    params(("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "himal-health-placements")),
    responses((status = 204, description = "No address is stored.")),
    security(("provider" = []))
)]
#[delete("/v1/providers/{provider}/notices")]
pub async fn end_of_provider(
    state: Data<State>,
    caller: OwnProvider,
    key: Path<ProviderKey>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let to = own(&state, &caller, key).await?;
    end(&state, to).await
}
