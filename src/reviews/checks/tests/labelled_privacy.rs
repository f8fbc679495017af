//! Personal data and identifiable patients: sentences as reviews have them.

use super::*;

#[test]
fn personal_data_is_found() {
    assert_found(
        CheckCode::PersonalData,
        &[
            ("If you have questions write to anna.meier@uni-example.de before you book.", "anna.meier@uni-example.de"),
            (
                "The coordinator only answers under visits.kisumu [at] example [dot] org.",
                "visits.kisumu [at] example [dot] org",
            ),
            ("Contact me: janedoe at gmail dot com, happy to help.", "janedoe at gmail dot com"),
            ("My hotmail is jane.doe99 and I answer questions.", "jane.doe99"),
            ("The ward can be called on +254 712 345 678 day and night.", "+254 712 345 678"),
            ("My host's number is 0712-345-678, ask for a pick-up.", "0712-345-678"),
            ("From Europe dial 00256 772 123456 for the hostel.", "00256 772 123456"),
            ("Text me: (555) 123-4567 if you want the packing list.", "(555) 123-4567"),
            ("His London office, 020 7946 0958, never answered.", "020 7946 0958"),
            ("Ring the clinic at 555-0199 after six.", "555-0199"),
            ("Reach the driver: 9841234567, he is kind.", "9841234567"),
            ("I can be reached under zero seven one two three four five six seven eight.", "zero seven one two three"),
            ("I post about my rotation as @jane.in.scrubs every week.", "@jane.in.scrubs"),
            ("Find me on Instagram: medstudent_anna for pictures.", "medstudent_anna"),
            ("My WeChat ID is drleetobe and I answer there.", "drleetobe"),
            ("Add me on Telegram jane_d99 for the notes.", "jane_d99"),
            ("Open 24/7 0712 345 678 said the sign.", "0712 345 678"),
            ("They noted my passport no. CX0100421 for all to see.", "CX0100421"),
        ],
    );
}

#[test]
fn prices_dates_durations_and_hours_are_no_personal_data() {
    assert_clean(&[
        "Clinic hours were 0900-1700 on weekdays and 0800-1300 on Saturdays.",
        "I stayed from 12.02.2024 - 30.03.2024 in the district hospital.",
        "My placement was 2024-06-03 to 2024-07-28, eight weeks in all.",
        "The program cost 1,250,000 shillings, or KES 125 000 per week.",
        "We paid 1 200 000 UGX for the visa and 3 500 000 for housing.",
        "The fee was $2350.00 for 4-6 weeks, plus 45.50 a day.",
        "The district has 1 350 000 inhabitants and one surgeon.",
        "Between 2019-2020 they had no students; in 2021/2022 they had 30.",
        "Drug doses were 5-10 mg per kg, 3 times in 24 hours, for 7-10 days.",
        "We saw 20-30 patients between 08.00 and 17.00 @ the outpatient clinic.",
        "Blood pressures of 120/80, 135/85 and 180/110 in one morning.",
        "There was a WhatsApp group; Facebook is how the last cohort found us.",
        "An Instagram account is managed by the provider, and pictures of children are on it.",
        "We were 12 students in 3 rooms, aged 19-24, for 6 weeks in 2023.",
        "The study guide has the ISBN 978-3-16-148410-0 and is in the library.",
        "Call the emergency number 112 or 999, and expect to wait 45 minutes.",
        "The altitude is 3 650 m; the coordinates -1.2921, 36.8219 are on the map.",
        "My phone worked, and data cost 1 000 shillings for 20 GB.",
        "I met @ 7 am with the team, mostly @work until 6 pm.",
    ]);
}

#[test]
fn identifiable_patients_are_found() {
    assert_found(
        CheckCode::IdentifiablePatient,
        &[
            ("We changed the dressing of Mr Otieno in bed 4 every day.", "Mr Otieno in bed 4"),
            ("I presented the patient Maria Lopez on the round.", "Maria Lopez"),
            ("My first patient was named Kwabena and he had typhoid.", "Kwabena"),
            ("In bed 12 lay Mrs Achieng, who waited for surgery.", "Mrs Achieng"),
            ("A girl named Amina was admitted with cerebral malaria.", "Amina"),
            ("Mrs Wanjiru was diagnosed with cervical cancer that week.", "Mrs Wanjiru"),
            ("Kofi, a 7-year-old boy with burns, was dressed without pain relief.", "Kofi"),
            ("On 12 March I sutured the man in bed 7 alone.", "12 March I sutured the man in bed 7"),
            ("The child in ward 3 died on 04/06/2024 while we waited.", "ward 3 died on 04/06/2024"),
            ("March 3rd: cubicle 5, a stillbirth that I had to hold.", "March 3rd: cubicle 5"),
            ("The file lay open: MRN 00482913, HIV positive.", "00482913"),
            ("They let me photograph hospital number OP-12345/22.", "OP-12345/22"),
            ("Patient J.O. in bed 9 waited two days for a surgeon.", "J.O."),
            ("We sat with Mama Grace in room 4 until she died.", "Mama Grace in room 4"),
            ("Mr. Mwangi had a stroke in front of us.", "Mr. Mwangi"),
            ("A man called Joseph Banda bled after the operation I assisted.", "Joseph Banda"),
        ],
    );
}

#[test]
fn staff_places_and_lodging_are_no_patients() {
    assert_clean(&[
        "Dr Adjei supervised every procedure in ward 3 himself.",
        "Sister Mary, the ward nurse, showed us the beds 1 to 12.",
        "At bed 4 Dr Adjei asked the patient before we examined her.",
        "Mr Kamau, the driver, took us to Kisumu County Hospital each day.",
        "Mr Mensah, the surgeon, let us watch from behind the line.",
        "Our coordinator Mr Otieno was on the phone within minutes.",
        "I slept in bed 4 of the dormitory from 12 March on.",
        "From 3 June I stayed in room 12 of the guest house with another student.",
        "On 12 March I started on ward 5 and learnt to take histories.",
        "Patient Safety and Patient Rights were taught in the first week.",
        "The patient Dr Osei saw was asked whether students may watch.",
        "Anna, a 22-year-old student from Graz, shared my room.",
        "A woman named Rose cooked for us and taught us Swahili.",
        "We rotated through Korle Bu, Saint Mary's Hospital and the Mulago ward.",
        "Every patient Monday to Friday was registered by a clerk.",
        "By week three I had seen about 1500 patients in 2 wards of 40 beds.",
        "Mrs Wanjiru with whom we lived was a wonderful cook.",
        "The patient in bed 9 waited for two days without a doctor.",
        "Mama Lucy Kibaki Hospital is in the east of Nairobi.",
    ]);
}
