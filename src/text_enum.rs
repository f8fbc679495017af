//! Closed sets of words: one declaration gives the Rust enum, its JSON form, its OpenAPI schema and
//! its database column.
//!
//! The text of a variant is the same in JSON, in the database (`TEXT` with a CHECK) and in query
//! parameters, so a value copied from one place is valid in the others. Text outside the set is an
//! error everywhere, never a default.

/// The text is not one of the words of the closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a value of {set}")]
pub struct UnknownText {
    /// Name of the Rust enum.
    pub set: &'static str,
    /// The offending text.
    pub text: String,
}

/// Declares a closed set: `text_enum! { /// doc  pub enum Name { /// doc  Variant = "text", … } }`.
///
/// The order of the variants is the order of `Ord` and of `ALL`. Stored as diesel `Text` on every
/// backend.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:tt ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            ::serde::Serialize, ::serde::Deserialize, ::utoipa::ToSchema,
            ::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = ::diesel::sql_types::Text)]
        $vis enum $name {
            $( $(#[$variant_meta])* #[serde(rename = $text)] $variant ),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The word used in JSON, in query parameters and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text ),+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownText;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == text)
                    .ok_or_else(|| $crate::text_enum::UnknownText {
                        set: stringify!($name),
                        text: text.to_owned(),
                    })
            }
        }

        impl<DB> ::diesel::serialize::ToSql<::diesel::sql_types::Text, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            str: ::diesel::serialize::ToSql<::diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, DB>,
            ) -> ::diesel::serialize::Result {
                <str as ::diesel::serialize::ToSql<::diesel::sql_types::Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl<DB> ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            String: ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> ::diesel::deserialize::Result<Self> {
                let text = <String as ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB>>::from_sql(bytes)?;
                Ok(text.parse::<Self>()?)
            }
        }
    };
}

pub(crate) use text_enum;

#[cfg(test)]
mod tests {

    text_enum! {
        /// Sizes.
        pub enum Size {
            /// Small.
            Small = "small",
            /// Very large.
            VeryLarge = "very_large",
        }
    }

    #[test]
    fn the_same_word_is_used_in_json_text_and_schema() {
        for size in Size::ALL {
            let json = serde_json::to_value(size).unwrap();
            assert_eq!(json, serde_json::Value::from(size.as_str()));
            assert_eq!(serde_json::from_value::<Size>(json).unwrap(), *size);
            assert_eq!(size.to_string().parse::<Size>().unwrap(), *size);
        }
        let schema = serde_json::to_value(<Size as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::json!(["small", "very_large"]));
        assert_eq!(schema["description"], "Sizes.");
    }

    #[test]
    fn a_word_outside_the_set_is_an_error() {
        assert_eq!("Small".parse::<Size>().unwrap_err().to_string(), "\"Small\" is not a value of Size");
        assert!(serde_json::from_str::<Size>("\"medium\"").is_err());
    }

    #[test]
    fn the_database_form_is_the_word_and_unknown_words_do_not_load() {
        use diesel::prelude::*;
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let back: Size =
            diesel::select(Size::VeryLarge.into_sql::<diesel::sql_types::Text>()).get_result(&mut conn).unwrap();
        assert_eq!(back, Size::VeryLarge);
        let text: String =
            diesel::select(Size::VeryLarge.into_sql::<diesel::sql_types::Text>()).get_result(&mut conn).unwrap();
        assert_eq!(text, "very_large");
        let wrong: QueryResult<Size> =
            diesel::select("medium".into_sql::<diesel::sql_types::Text>()).get_result(&mut conn);
        assert!(matches!(wrong, Err(diesel::result::Error::DeserializationError(_))));
    }
}
