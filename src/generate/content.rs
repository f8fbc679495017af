//! The made-up listings, reviews and sentences themselves.

use serde_json::json;

use super::{Maker, read};
use crate::{
    http::Error,
    programs::model::ProgramInput,
    reference::{Specialty, Track, TrainingLevel},
    reviews::model::ReviewInput,
};

const WORDS: &[&str] = &[
    "ward",
    "clinic",
    "patient",
    "nurse",
    "doctor",
    "round",
    "teaching",
    "morning",
    "community",
    "health",
    "village",
    "hospital",
    "supervisor",
    "student",
    "consent",
    "language",
    "interpreter",
    "schedule",
    "rotation",
    "surgery",
    "maternity",
    "pediatric",
    "vaccination",
    "outreach",
    "laboratory",
    "record",
    "family",
    "mentor",
    "lecture",
    "observation",
    "emergency",
    "referral",
    "pharmacy",
    "malaria",
    "nutrition",
    "screening",
    "hygiene",
    "protocol",
    "insurance",
    "housing",
    "transport",
    "orientation",
    "debrief",
    "evening",
    "market",
    "mountain",
    "coast",
    "river",
    "garden",
    "kitchen",
    "library",
    "weekend",
    "festival",
    "music",
    "football",
    "tea",
    "bread",
    "rain",
    "season",
    "agreement",
    "ministry",
    "licence",
    "registry",
    "ethics",
    "research",
    "survey",
    "interview",
    "data",
    "cohort",
    "tuberculosis",
    "diabetes",
    "hypertension",
    "asthma",
    "wound",
    "dressing",
    "suture",
    "anatomy",
    "physiology",
];
pub(super) const PLACES: &[&str] = &[
    "Amberfield",
    "Brightwater",
    "Cedarholm",
    "Dunmore",
    "Eastvale",
    "Fernhill",
    "Greywick",
    "Highmoor",
    "Ironbridge",
    "Junipero",
    "Kingsmead",
    "Larkspur",
    "Maplewood",
    "Northgate",
    "Oakhurst",
    "Pinecrest",
    "Quarryton",
    "Riverbend",
    "Silverlake",
    "Thornbury",
    "Umberton",
    "Valemont",
    "Westbrook",
    "Yarrow",
    "Zephyr Bay",
];

impl Maker {
    pub(super) fn sentences(&mut self, words: usize) -> String {
        let mut text = String::new();
        for number in 0..words {
            let word = self.pick_uneven(WORDS);
            match number % 9 {
                0 => {
                    let (first, rest) = word.split_at(1);
                    text.push_str(&first.to_uppercase());
                    text.push_str(rest);
                }
                _ => text.push_str(word),
            }
            text.push_str(if number % 9 == 8 { ". " } else { " " });
        }
        text.trim_end().to_owned()
    }

    pub(super) fn program(&mut self) -> Result<ProgramInput, Error> {
        let countries = self.countries.clone();
        let country = self.pick_uneven(&countries).clone();
        let city = *self.pick(PLACES);
        let specialty = *self.pick_uneven(Specialty::ALL);
        let second = *self.pick(Specialty::ALL);
        let level = *self.pick(TrainingLevel::ALL);
        let tag = format!("{:x}", self.rng.u64(..));
        let weeks = self.rng.i32(1..12);
        let month = self.rng.i32(1..=12);
        let mut specialties = vec![specialty];
        if second != specialty {
            specialties.push(second);
        }
        read(json!({
            "title": format!("{} in {city} {}", specialty.title(), self.pick(WORDS)),
            "slug": format!("made-up-{tag}"),
            "summary": self.sentences(18), "description": self.sentences(120),
            "places": [{"country": country, "city": city}],
            "host_sites": [{"name": format!("{city} Hospital"), "setting": "hospital", "country": country, "city": city}],
            "specialties": specialties, "tracks": [self.pick(Track::ALL)], "training_levels": [level],
            "minimum_age": self.rng.i32(16..22), "weeks_min": weeks, "weeks_max": weeks + self.rng.i32(0..20),
            "start_months": [month, month % 12 + 1],
            "supervision": {"roles": [{"role": "Attending physician", "on_site": true}], "licence_check": "registry"},
            "scope": [
                {"task": "observe_with_consent", "training_level": level, "rule": "allowed"},
                {"task": "alone_with_patients", "training_level": level, "rule": "never"}
            ],
            "consent_policy": self.sentences(15), "photo_policy": self.sentences(12),
            "safety": {"insurance": self.sentences(10), "protective_equipment": self.sentences(10)},
            "fees": [{"amount_minor": self.rng.i64(500..6000) * 100, "currency": "USD", "covers": "The whole stay"}],
            "included": ["Housing", "Orientation"]
        }))
    }

    pub(super) fn review(&mut self, half: usize) -> Result<ReviewInput, Error> {
        let (year, month) = (half / 2, half % 2 * 6 + self.rng.usize(1..=6));
        let month = format!("{year}-{month:02}");
        let mut rating = || 6 - self.rng.u8(1..=5).min(self.rng.u8(1..=5));
        let ratings = json!({
            "supervision": rating(), "scope_clarity": rating(), "patient_respect": rating(), "learning": rating(),
            "support": rating(), "value": rating()
        });
        let level = *self.pick(TrainingLevel::ALL);
        read(json!({
            "period": {"start_month": month, "end_month": month}, "weeks": self.rng.i32(1..12), "training_level": level,
            "ratings": ratings, "would_recommend": self.rng.u8(..10) < 7,
            "text": {"what_i_did": self.sentences(30), "good": self.sentences(15), "problems": self.sentences(10)},
            "tasks_done": [{"task": "observe_with_consent", "supervision": "direct", "consent": "asked"}],
            "disclosure": {"incentive": "none", "relationship": "none"}
        }))
    }
}
