//! Links, language and profanity: sentences as reviews have them.

use super::*;

#[test]
fn links_are_found() {
    assert_found(
        CheckCode::Links,
        &[
            ("Read the whole story on https://example.org/trip?id=4 before you pay.", "https://example.org/trip?id=4"),
            ("They copied their page from http://www.example.com entirely.", "http://www.example.com"),
            ("More at hxxps://example[.]org for those who care.", "hxxps://example[.]org"),
            ("See www.medtrips.example for prices.", "www.medtrips.example"),
            ("Book at medtrips.com and save half.", "medtrips.com"),
            ("The agency cheap-electives.co.uk is the same people.", "cheap-electives.co.uk"),
            ("Look at kisumu-electives.or.ke first.", "kisumu-electives.or.ke"),
            ("The form is bit.ly/3xYzAbC and takes a minute.", "bit.ly/3xYzAbC"),
            ("Join wa.me/254712 for the group.", "wa.me/254712"),
            ("Search for medtrips dot com to see more.", "medtrips dot com"),
            ("Look up medtrips [dot] org and decide.", "medtrips [dot] org"),
            ("Google medtrips(.)net for the contract.", "medtrips(.)net"),
            ("Book with medtrips . com instead of them.", "medtrips . com"),
            ("My blog is janeabroad.github.io with pictures.", "janeabroad.github.io"),
        ],
    );
}

#[test]
fn abbreviations_and_missing_spaces_are_no_links() {
    assert_clean(&[
        "We worked from 8 a.m. to 4 p.m., i.e. eight hours, e.g. in the ward.",
        "The ward was full.It was hot.In the evening we had class.",
        "I hold a B.Sc. and an M.B.Ch.B. and was still only to watch.",
        "Drugs were given b.i.d./t.i.d. or i.v./i.m. by the nurses.",
        "They were great.No complaints.So helpful.",
        "Transport and/or food is included w/o extra pay.",
        "Dr. Ch. Osei and St. Mary's Hospital took us in.",
        "The dot com years of volunteering are over, I hope.",
        "We used the U.S. and U.K. guidelines, approx. 50 pages each.",
        "The dose was 0.5 mg/kg, then 1.25 mg/kg/h for 2.5 h.",
        "The organisation's website promises more than it keeps.",
        "We were told to read chapters 3.1, 3.2 and 4.10 of the handbook.",
        "I would come back.Me and two others are planning to.",
        "Her lecture ended.Dead silence. We asked our questions.",
    ]);
}

#[test]
fn other_languages_are_found() {
    assert_found(
        CheckCode::LanguageNotEnglish,
        &[
            (
                "Durante las primeras semanas acompañé a los médicos en la sala de urgencias y nunca me dejaron sola con un paciente.",
                "Durante",
            ),
            (
                "Ich habe sechs Wochen lang auf der Chirurgie zugeschaut und durfte nach der Einweisung Verbände wechseln.",
                "Ich",
            ),
            (
                "Pendant six semaines, j'ai suivi les infirmières de la maternité et on nous expliquait chaque geste avant de le faire.",
                "Pendant",
            ),
            (
                "Durante o estágio acompanhei os médicos na enfermaria e nunca fiquei sozinha com os doentes, o que foi muito bom.",
                "Durante",
            ),
            (
                "Ho seguito i medici del reparto per quattro settimane e non mi hanno mai lasciato solo con i pazienti della corsia.",
                "Ho",
            ),
            (
                "Tijdens mijn stage liep ik zes weken mee met de artsen en ik mocht alleen kijken, wat heel goed was geregeld.",
                "Tijdens",
            ),
            ("Я шесть недель наблюдала за работой врачей в районной больнице и никогда не оставалась одна.", "Я"),
            ("我在这家医院实习了六个星期，每天都有老师带着我们查房。", "我"),
            ("私は六週間この病院で実習をしましたが、いつも指導医がそばにいました。", "私"),
            ("나는 이 병원에서 육 주 동안 실습했고 항상 지도 의사가 옆에 있었습니다.", "나는"),
            ("أمضيت ستة أسابيع في هذا المستشفى وكان الطبيب المشرف معنا دائما في الجناح.", "أمضيت"),
            ("मैंने इस अस्पताल में छह सप्ताह बिताए और डॉक्टर हमेशा हमारे साथ थे।", "मैंने"),
            (
                "Przez sześć tygodni obserwowałam lekarzy na oddziale i nigdy nie zostawiono mnie samej z pacjentem, co było dobre.",
                "Przez",
            ),
        ],
    );
}

#[test]
fn english_with_names_and_medical_words_is_english() {
    assert_clean(&[
        "I observed ward rounds in the paediatric unit and took part in teaching on cerebral malaria and severe anaemia.",
        "The mamas in the maternity taught us karibu, asante sana and pole pole, which opened more doors than my stethoscope.",
        "Rotations: paediatrics, obstetrics, internal medicine, surgery, ophthalmology, dermatology, anaesthesiology, radiology.",
        "Komfo Anokye Teaching Hospital in Kumasi has a busy emergency department, and Dr Owusu-Ansah explains everything.",
        "Very good supervision.",
        "Muy bien!",
        "Great hospital, great people, great food; I learnt a lot about tropical diseases and would come again tomorrow.",
        "ECG, CXR, CT, MRI, FBC, U&E, LFT, CRP, ABG and urinalysis were all read with us by the registrar each morning.",
        "Host family in Cusco: Quechua words, papas a la huancaina and lomo saltado every week, and long walks to the clinic.",
        "Supervisors at Hospital Nacional Edgardo Rebagliati Martins asked every patient before any of us touched them.",
        "no one told us what we may and may not do until the third day, then a sheet of paper was handed out",
        "Bring gloves, a fob watch, closed shoes, hand gel and patience. Housing is basic but clean and safe at night.",
        "As a pre-med I was only allowed to watch, which is right. The nurses were patient with my many questions.",
        "Ok",
    ]);
}

#[test]
fn slurs_and_insults_are_found() {
    assert_found(
        CheckCode::Profanity,
        &[
            ("The coordinator is a fucking liar.", "fucking"),
            ("What a sh1t place to send students.", "sh1t"),
            ("It was bullshit from the first day.", "bullshit"),
            ("The manager is an a$$hole.", "a$$hole"),
            ("He called the nurse a b*tch in front of us.", "b*tch"),
            ("F**k this program.", "F**k"),
            ("Total f u c k up at the airport.", "f u c k"),
            ("The director is a cunt to everybody.", "cunt"),
            ("They treat girls as sluts there.", "sluts"),
            ("One student used the word nigger and nobody said a thing.", "nigger"),
            ("He called the porters kaffirs.", "kaffirs"),
            ("What a bunch of retards run this.", "retards"),
            ("Shitty housing and shitty food.", "Shitty"),
            ("The bastards kept our deposit.", "bastards"),
        ],
    );
}

#[test]
fn medical_words_and_names_are_no_profanity() {
    assert_clean(&[
        "I watched a rectal exam and the repair of an anal fistula.",
        "Breast examination and penis catheterisation were taught on dummies.",
        "Infants with growth retardation were weighed each week.",
        "He was on diclofenac retard and a retard tablet of morphine.",
        "Bloody diarrhoea and vomit, all day long, damn hot too.",
        "A finger prick test takes a minute; the cock crowed at five.",
        "Children with spastic paresis and mental retardation had physiotherapy.",
        "We ate curry with kaffir lime leaves and shiitake on Sundays.",
        "The Nigerian and Nigerien teams snigger at our French.",
        "We assessed, assisted and passed instruments; the class was grand.",
        "Students from Scunthorpe and Penistone came with Dr Dick Wankhede.",
        "Vaginal delivery, scrotal swelling, testicular torsion, circumcision: all with consent.",
        "The hospital in Niger was shut; we counted the sutures.",
        "The prostitutes' clinic treats sexually transmitted infections with dignity.",
    ]);
}
