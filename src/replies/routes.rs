//! Handlers of replies to reviews, and of the answers to them.

use actix_web::{
    delete, get, post, put,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{Reader, Reply, ReplyHistory},
    model::{ReplyDecisionInput, ReplyInput, ReplyTarget},
    store::{self, ReplyRow},
};
use crate::{
    app::State,
    auth::{MaybeCaller, Moderator, OwnProvider, Participant, Role},
    db::Conn,
    http::{
        Answer, Answered, Changed, Created, Error, Found, IfMatch, Json, MatchOrNone, NoContent, NoQuery, Once, Render,
    },
    ids::{DecisionId, NoticeId, ReviewId},
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_reply)
        .service(put_reply)
        .service(withdraw_reply)
        .service(put_answer)
        .service(get_history)
        .service(decide_reply);
}

fn changed(row: &ReplyRow, reader: Reader) -> Changed<Reply> {
    Changed { body: Reply::new(row, reader), etag: Reply::etag(row, reader) }
}

/// Read the reply to a review
///
/// What the provider says to a published review, and what its author answers. Texts that were removed or taken back are
/// null; moderators also read what was removed, under an `ETag` of its own.
#[utoipa::path(
    tag = "reviews",
    operation_id = "get_review_reply",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 200, description = "The reply.", body = Reply)),
    security((), ("bearer" = []))
)]
#[get("/v1/reviews/{review}/reply")]
pub async fn get_reply(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<Found<Reply>, Error> {
    let id = review.into_inner();
    let reader = match caller {
        Some(caller) if caller.role == Role::Moderator => Reader::Moderator,
        _ => Reader::Public,
    };
    let find = move |conn: &mut Conn| match reader {
        Reader::Public => store::find_public(conn, id),
        Reader::Moderator => store::find(conn, id)?.ok_or(Error::NotFound("reply")),
    };
    let Changed { body, etag } = changed(&state.db.read(find).await?, reader);
    Ok(Found::versioned(body, etag))
}

/// Reply to a review
///
/// For the provider of the program, to a published review, once. `If-None-Match: *` makes the reply; `If-Match` with its
/// `ETag` edits it, and the former text stays in the history. A reply that was taken back is not written again. The
/// provider does not learn who wrote the review, and a reply that names somebody is removed by moderators.
#[utoipa::path(
    tag = "reviews",
    operation_id = "put_review_reply",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReplyInput, description = "The reply.", example = json!({
        "text": "Since then a consultant is on the ward in every shift with students; the rosters are on our site."
    })),
    responses(
        (status = 200, description = "The reply as it is now.", body = Reply),
        (status = 201, description = "The new reply.", body = Reply)
    ),
    security(("provider" = []))
)]
#[put("/v1/reviews/{review}/reply")]
pub async fn put_reply(
    state: Data<State>,
    OwnProvider { provider, .. }: OwnProvider,
    review: Path<ReviewId>,
    _: NoQuery,
    condition: MatchOrNone,
    body: Json<ReplyInput>,
) -> Result<Answer, Error> {
    let (id, now) = (review.into_inner(), state.now());
    let (_, before) = state.db.read_latest(move |conn| store::find_to_reply(conn, id, provider)).await?;
    let etag = before.as_ref().map(|row| Reply::etag(row, Reader::Public));
    condition.check(etag.as_deref())?;
    let ReplyInput { text } = fit(body)?;
    match before {
        None => {
            let notice = NoticeId::from_uuid(Uuid::now_v7());
            let row = state.db.write(move |conn| store::create(conn, id, provider, &text, notice, now)).await?;
            let Changed { body, etag } = changed(&row, Reader::Public);
            Created { location: format!("/v1/reviews/{id}/reply"), etag, body }.render()
        }
        Some(before) => {
            let notice = NoticeId::from_uuid(Uuid::now_v7());
            let write = move |conn: &mut Conn| store::write(conn, &before, ReplyTarget::Reply, &text, notice, now);
            changed(&state.db.write(write).await?, Reader::Public).render()
        }
    }
}

/// Take the reply to a review back
///
/// For the provider of the program, and final: the texts of the reply are erased, the answer to it is no longer shown,
/// and that there was a reply stays visible. `If-Match` is not needed.
#[utoipa::path(
    tag = "reviews",
    operation_id = "withdraw_review_reply",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 204, description = "It is taken back.")),
    security(("provider" = []))
)]
#[delete("/v1/reviews/{review}/reply")]
pub async fn withdraw_reply(
    state: Data<State>,
    OwnProvider { caller, provider }: OwnProvider,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let (id, now, record) = (review.into_inner(), state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    state.db.write(move |conn| store::withdraw(conn, &caller, provider, id, record, now)).await?;
    Ok(NoContent)
}

/// Answer the reply to one's review
///
/// For the author of the review, while review and reply are public: once, and edited as often as needed. `If-Match`
/// names the reply that is answered, by its `ETag`, so that nobody answers a text that has changed meanwhile.
#[utoipa::path(
    tag = "reviews",
    operation_id = "put_review_reply_answer",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReplyInput, description = "The answer.", example = json!({
        "text": "That is good to hear; in my weeks there was nobody on the ward at night."
    })),
    responses((status = 200, description = "The reply with the answer.", body = Reply)),
    security(("participant" = []))
)]
#[put("/v1/reviews/{review}/reply/answer")]
pub async fn put_answer(
    state: Data<State>,
    Participant(caller): Participant,
    review: Path<ReviewId>,
    _: NoQuery,
    if_match: IfMatch,
    body: Json<ReplyInput>,
) -> Result<Changed<Reply>, Error> {
    let (id, now) = (review.into_inner(), state.now());
    let (_, before) = state.db.read_latest(move |conn| store::find_to_answer(conn, id, caller.id)).await?;
    if_match.check(&Reply::etag(&before, Reader::Public))?;
    let ReplyInput { text } = fit(body)?;
    let notice = NoticeId::from_uuid(Uuid::now_v7());
    let write = move |conn: &mut Conn| store::write(conn, &before, ReplyTarget::Answer, &text, notice, now);
    Ok(changed(&state.db.write(write).await?, Reader::Public))
}

/// The text, if nothing in it leads to a person.
fn fit(body: Json<ReplyInput>) -> Result<ReplyInput, Error> {
    let input = body.valid()?;
    let faults = input.faults();
    if faults.is_empty() { Ok(input) } else { Err(Error::Invalid(faults)) }
}

/// Read what a reply said before
///
/// All texts of the reply to a published review and of the answer to it, each with its month, and what moderators
/// decided about them. Texts that were removed or taken back are not among them.
#[utoipa::path(
    tag = "reviews",
    operation_id = "get_review_reply_history",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 200, description = "The texts.", body = ReplyHistory)),
    security(())
)]
#[get("/v1/reviews/{review}/reply/history")]
pub async fn get_history(state: Data<State>, review: Path<ReviewId>, _: NoQuery) -> Result<Found<ReplyHistory>, Error> {
    let id = review.into_inner();
    let read = move |conn: &mut Conn| {
        let row = store::find_public(conn, id)?;
        Ok(ReplyHistory::new(&row, &store::former(conn, id)?, store::decisions(conn, id)?))
    };
    Ok(Found::computed(state.db.read(read).await?))
}

/// Decide about a reply
///
/// For moderators, never about a provider that they are linked to: `remove` takes the reply or the answer out of public
/// view with all its former texts, as when it names somebody; `restore` puts it back. Every decision is kept with its
/// reason, which anyone can read in the history.
#[utoipa::path(
    tag = "reviews",
    operation_id = "decide_review_reply",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReplyDecisionInput, description = "The decision.", example = json!({
        "action": "remove", "target": "reply", "reason": "The reply gives the first name of the reviewer."
    })),
    responses((status = 200, description = "The reply as it is now.", body = Reply)),
    security(("moderator" = []))
)]
#[post("/v1/reviews/{review}/reply/decisions")]
pub async fn decide_reply(
    state: Data<State>,
    Moderator(caller): Moderator,
    review: Path<ReviewId>,
    _: NoQuery,
    once: Once,
    body: Json<ReplyDecisionInput>,
) -> Result<Answered<Changed<Reply>>, Error> {
    let (id, now) = (review.into_inner(), state.now());
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &caller)).await?;
    let decision = body.valid()?;
    let (record, log) = (DecisionId::from_uuid(Uuid::new_v4()), state.audit_key());
    let decide = move |conn: &mut Conn| {
        let row = store::decide(conn, &caller, id, &decision, record, now, &log)?;
        Ok(changed(&row, Reader::Moderator))
    };
    once.write(&state, &caller, decide).await
}
