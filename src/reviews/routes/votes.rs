//! Handlers of helpful votes.

use actix_web::{
    delete, put,
    web::{Data, Path},
};

use crate::{
    app::State,
    auth::Participant,
    http::{Error, NoContent, NoQuery},
    ids::ReviewId,
    reviews::response_store,
};

/// Find a review helpful
///
/// For participants, about a published review of somebody else. Each counts once, however often it is said; who said so
/// is not shown. A vote has no versions, so `If-Match` is not needed.
#[utoipa::path(
    tag = "reviews",
    operation_id = "put_helpful_vote",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 204, description = "The vote counts.")),
    security(("participant" = []))
)]
#[put("/v1/reviews/{review}/helpful-vote")]
pub async fn vote(
    state: Data<State>,
    Participant(caller): Participant,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let id = review.into_inner();
    state.db.write(move |conn| response_store::vote(conn, caller.id, id)).await?;
    Ok(NoContent)
}

/// Take a helpful vote back
///
/// For participants. Without a vote nothing changes. A vote has no versions, so `If-Match` is not needed.
#[utoipa::path(
    tag = "reviews",
    operation_id = "delete_helpful_vote",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 204, description = "No vote counts.")),
    security(("participant" = []))
)]
#[delete("/v1/reviews/{review}/helpful-vote")]
pub async fn unvote(
    state: Data<State>,
    Participant(caller): Participant,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let id = review.into_inner();
    state.db.write(move |conn| response_store::unvote(conn, caller.id, id)).await?;
    Ok(NoContent)
}
