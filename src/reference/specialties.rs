//! Specialties and tracks: what a program is about and what kind of work it is.

use crate::text_enum::text_enum;

text_enum! {
    /// A medical or health specialty; slugs of this service.
    pub enum Specialty {
        /// General practice.
        GeneralPractice = "general_practice",
        /// Internal medicine.
        InternalMedicine = "internal_medicine",
        /// Surgery.
        Surgery = "surgery",
        /// Paediatrics.
        Paediatrics = "paediatrics",
        /// Obstetrics and gynaecology.
        ObstetricsGynaecology = "obstetrics_gynaecology",
        /// Emergency medicine.
        EmergencyMedicine = "emergency_medicine",
        /// Anaesthesiology.
        Anaesthesiology = "anaesthesiology",
        /// Psychiatry.
        Psychiatry = "psychiatry",
        /// Orthopaedics.
        Orthopaedics = "orthopaedics",
        /// Ophthalmology.
        Ophthalmology = "ophthalmology",
        /// Dermatology.
        Dermatology = "dermatology",
        /// Cardiology.
        Cardiology = "cardiology",
        /// Neurology.
        Neurology = "neurology",
        /// Oncology.
        Oncology = "oncology",
        /// Radiology.
        Radiology = "radiology",
        /// Infectious diseases.
        InfectiousDiseases = "infectious_diseases",
        /// Tropical medicine.
        TropicalMedicine = "tropical_medicine",
        /// Dentistry.
        Dentistry = "dentistry",
        /// Pharmacy.
        Pharmacy = "pharmacy",
        /// Nursing.
        Nursing = "nursing",
        /// Midwifery.
        Midwifery = "midwifery",
        /// Physiotherapy.
        Physiotherapy = "physiotherapy",
        /// Occupational therapy.
        OccupationalTherapy = "occupational_therapy",
        /// Nutrition.
        Nutrition = "nutrition",
        /// Public health.
        PublicHealth = "public_health",
        /// Global health.
        GlobalHealth = "global_health",
        /// Epidemiology.
        Epidemiology = "epidemiology",
        /// Laboratory medicine.
        LaboratoryMedicine = "laboratory_medicine",
        /// Veterinary public health.
        VeterinaryPublicHealth = "veterinary_public_health",
        /// Traditional medicine.
        TraditionalMedicine = "traditional_medicine",
        /// Health policy.
        HealthPolicy = "health_policy",
        /// Telemedicine.
        Telemedicine = "telemedicine",
    }
}

text_enum! {
    /// What kind of work a program consists of.
    pub enum Track {
        /// Clinical observation.
        ClinicalObservation = "clinical_observation",
        /// Supervised practice.
        SupervisedPractice = "supervised_practice",
        /// Public health.
        PublicHealth = "public_health",
        /// Research.
        Research = "research",
        /// Telemedicine.
        Telemedicine = "telemedicine",
        /// Traditional medicine.
        TraditionalMedicine = "traditional_medicine",
        /// Health policy.
        HealthPolicy = "health_policy",
    }
}

/// Title of a slug: underscores become spaces, the first letter a capital.
fn title_of(slug: &str) -> String {
    let mut title = slug.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

impl Specialty {
    /// Short name.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::ObstetricsGynaecology => "Obstetrics and gynaecology".to_owned(),
            other => title_of(other.as_str()),
        }
    }
}

impl Track {
    /// Short name.
    #[must_use]
    pub fn title(self) -> String {
        title_of(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_as_words() {
        assert_eq!(Specialty::VeterinaryPublicHealth.title(), "Veterinary public health");
        assert_eq!(Specialty::ObstetricsGynaecology.title(), "Obstetrics and gynaecology");
        assert_eq!(Track::ClinicalObservation.title(), "Clinical observation");
        assert_eq!((Specialty::ALL.len(), Track::ALL.len()), (32, 7));
    }
}
