//! What erasure does with what was written.

use crate::{
    reviews::model::{ReviewInput, ReviewText},
    text_enum::text_enum,
};

text_enum! {
    /// What becomes of the reviews of a participant whose identity is erased.
    pub enum ReviewsAfter {
        /// They stay under their pseudonym, no longer verified by an address; only those that were withdrawn before are
        /// emptied.
        Keep = "keep",
        /// All are withdrawn and emptied.
        Withdraw = "withdraw",
    }
}

/// A review without anything in the author's own words: what is left of one that was erased. Ratings, tasks and the
/// period stay; they count for nothing any more, because such a review is withdrawn.
#[must_use]
pub fn emptied(review: ReviewInput) -> ReviewInput {
    let mut disclosure = review.disclosure;
    disclosure.details = None;
    ReviewInput { text: ReviewText::default(), claims_checked: Vec::new(), disclosure, ..review }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_emptied_review_has_none_of_its_authors_words() {
        let words = "The consultant Dr Marker explained it.";
        let parts = ["what_i_did", "supervision", "good", "problems", "advice"];
        let text: serde_json::Map<_, _> = parts.iter().map(|part| ((*part).to_owned(), json!(words))).collect();
        let review: ReviewInput = serde_json::from_value(json!({
            "period": {"start_month": "2025-03", "end_month": "2025-04"}, "weeks": 6, "training_level": "clinical",
            "ratings": {"supervision": 2}, "text": text, "claims_checked": [{"claim": words, "outcome": "confirmed"}],
            "disclosure": {"incentive": "gift", "relationship": "none", "details": words}
        }))
        .unwrap();
        let left = serde_json::to_string(&emptied(review)).unwrap();
        assert!(!left.contains("Marker"), "{left}");
        assert!(left.contains("gift") && left.contains("2025-03"), "{left}");
    }
}
