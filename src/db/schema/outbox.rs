//! The tables of notices by mail.

diesel::table! {
    /// Where notices go, sealed; erasure deletes the row.
    notice_addresses (recipient_id) {
        recipient_id -> Binary,
        recipient_kind -> Text,
        address_hash -> Binary,
        sealed -> Binary,
        confirmed -> Integer,
    }
}

diesel::table! {
    /// Letters to be sent, written with what they tell of.
    notices (id) {
        id -> Binary,
        recipient_id -> Binary,
        recipient_kind -> Text,
        kind -> Text,
        subject_kind -> Text,
        subject_id -> Binary,
        created_at -> BigInt,
        attempts -> Integer,
        next_at -> BigInt,
        sent_at -> BigInt,
    }
}
