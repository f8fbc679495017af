//! What every time type has in common: text in JSON, one integer in the database.

/// Serde, `OpenAPI` and diesel forms of a newtype over an integer that has `from_number`, `number`,
/// `Display` and `FromStr`.
macro_rules! integer_column {
    ($name:ident, $integer:ty, $sql:ty, $what:literal, |$schema:ident| $refine:expr) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                let $schema = ::utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(::utoipa::openapi::schema::Type::String);
                $refine.into()
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl<DB> ::diesel::serialize::ToSql<$sql, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            $integer: ::diesel::serialize::ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut ::diesel::serialize::Output<'b, '_, DB>) -> ::diesel::serialize::Result {
                <$integer as ::diesel::serialize::ToSql<$sql, DB>>::to_sql(&self.0, out)
            }
        }

        impl<DB> ::diesel::deserialize::FromSql<$sql, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            $integer: ::diesel::deserialize::FromSql<$sql, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> ::diesel::deserialize::Result<Self> {
                let number = <$integer as ::diesel::deserialize::FromSql<$sql, DB>>::from_sql(bytes)?;
                Self::from_number(number).ok_or_else(|| $crate::time::InvalidTime($what).into())
            }
        }
    };
}

pub(super) use integer_column;
