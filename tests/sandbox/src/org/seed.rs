//! The initial organisations: a small company with every kind of user and group, and any number of generated users.

use super::{Group, Identity, PRODUCT_PROFILE, Snapshot, USER_GROUP, User};
use std::collections::BTreeSet;

const FIRST_NAMES: [&str; 12] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Émile", "Fatima", "Grace", "Håkon", "Ines", "Jürgen",
    "Keiko", "Łukasz",
];
const LAST_NAMES: [&str; 10] = [
    "O'Neill",
    "Müller",
    "García",
    "Nguyễn",
    "Smith",
    "Иванова",
    "李",
    "Okafor",
    "d'Arc",
    "Åström",
];
const COUNTRIES: [&str; 6] = ["US", "DE", "FR", "JP", "PL", "BR"];

/// A company with every kind of user and group, and with names that are hard to encode.
pub fn small_company() -> Snapshot {
    let mut company = Snapshot {
        domains: [
            ("example.com".to_owned(), Identity::Federated),
            ("corp.example.com".to_owned(), Identity::Enterprise),
            ("schule.example".to_owned(), Identity::Federated),
        ]
        .into(),
        belonging_elsewhere: ["rival@example.com".to_owned()].into(),
        ..Snapshot::default()
    };
    for (name, kind) in [
        ("_org_admin", "SYSADMIN_GROUP"),
        ("_deployment_admin", "DEPLOYMENT_ADMIN_GROUP"),
        ("_support_admin", "SUPPORT_ADMIN_GROUP"),
    ] {
        push_group(&mut company, name, kind);
    }
    for (profile, product) in [
        ("Creative Cloud All Apps", "Creative Cloud All Apps - 40"),
        ("Acrobat Pro DC", "Acrobat Pro DC (DC1A)"),
        ("Photoshop/Lightroom", "Photography plan"),
    ] {
        push_profile(&mut company, profile, product);
    }
    let product_admins = "_product_admin_Creative Cloud All Apps - 40";
    push_group(&mut company, product_admins, "PRODUCT_ADMIN_GROUP").product_name =
        Some("Creative Cloud All Apps - 40".into());
    for name in [
        "Engineering",
        "Design/UX",
        "v2.0 Testers",
        "Équipe Zürich 東京",
        "R&D + 100% #1?",
        "Sales",
        "Marketing",
    ] {
        push_user_group(&mut company, name);
    }
    push_user_group(&mut company, "Synced from AD").read_only = true;
    let engineering = company
        .groups
        .iter_mut()
        .find(|g| g.group_name == "Engineering");
    if let Some(engineering) = engineering {
        engineering.profiles = ["Acrobat Pro DC".to_owned()].into();
    }
    push_group(
        &mut company,
        "_contract_admin_Acme VIP",
        "CONTRACT_ADMIN_GROUP",
    )
    .contract_name = Some("Acme VIP".into());
    grow(&mut company, 72, 0);
    let admin_of = [
        "_org_admin",
        "_admin_Engineering",
        "_admin_Acrobat Pro DC",
        "_contract_admin_Acme VIP",
    ];
    company.users[4].groups.extend(admin_of.map(str::to_owned));
    push_special_users(&mut company);
    company
}

fn push_group<'a>(company: &'a mut Snapshot, name: &str, kind: &str) -> &'a mut Group {
    let group_id = 4_294_967_300 + company.groups.len() as i64;
    company.groups.push(Group::new(group_id, name, kind));
    company.groups.last_mut().expect("just pushed")
}

fn push_user_group<'a>(company: &'a mut Snapshot, name: &str) -> &'a mut Group {
    let admins = format!("_admin_{name}");
    push_group(company, &admins, "USER_ADMIN_GROUP").user_group_name = Some(name.to_owned());
    let group = push_group(company, name, USER_GROUP);
    group.admin_group_name = Some(admins);
    group
}

fn push_profile(company: &mut Snapshot, name: &str, product: &str) {
    let (admins, developers) = (format!("_admin_{name}"), format!("_developer_{name}"));
    let admin_group = push_group(company, &admins, "PROFILE_ADMIN_GROUP");
    admin_group.product_name = Some(product.to_owned());
    admin_group.product_profile_name = Some(name.to_owned());
    admin_group.profile_group_name = Some(name.to_owned());
    let developer_group = push_group(company, &developers, "DEVELOPER_GROUP");
    developer_group.product_profile_name = Some(name.to_owned());
    let profile = push_group(company, name, PRODUCT_PROFILE);
    profile.admin_group_name = Some(admins);
    profile.product_name = Some(product.to_owned());
    profile.license_quota = Some(
        if name.starts_with('A') {
            "UNLIMITED"
        } else {
            "500"
        }
        .into(),
    );
}

/// Adds generated users and user groups until there are at least `users` and `groups` of them.
pub fn grow(company: &mut Snapshot, users: usize, groups: usize) {
    while company.groups.len() < groups {
        let name = format!("Team {:05}", company.groups.len());
        push_user_group(company, &name);
    }
    let joinable: Vec<_> = company
        .groups
        .iter()
        .filter(|g| !g.group_name.starts_with('_'))
        .map(|g| g.group_name.clone())
        .collect();
    let mut random = fastrand::Rng::with_seed(company.users.len() as u64 + 7);
    while company.users.len() < users {
        let user = generated_user(company.users.len(), &joinable, &mut random);
        company.users.push(user);
    }
}

fn generated_user(number: usize, joinable: &[String], random: &mut fastrand::Rng) -> User {
    let (identity, domain) = match number % 5 {
        0 => (Identity::Adobe, "mail.example"),
        1 => (Identity::Enterprise, "corp.example.com"),
        _ => (Identity::Federated, "example.com"),
    };
    let email = format!("person{number:06}@{domain}");
    let username = match number % 7 {
        3 if identity == Identity::Federated => format!("p{number:06}"),
        _ => email.clone(),
    };
    let mut groups = BTreeSet::new();
    for _ in 0..random.usize(0..4) {
        groups.extend(
            joinable
                .get(random.usize(0..joinable.len().max(1)))
                .cloned(),
        );
    }
    let without_licence = match number % 6 {
        2 => groups
            .iter()
            .filter(|name| *name == "Acrobat Pro DC")
            .cloned()
            .collect(),
        _ => BTreeSet::new(),
    };
    User {
        id: format!("{:024X}@{}", 0x5F00_0000 + number, &"AdobeID"[..7]),
        email,
        status: if number % 23 == 15 {
            "disabled"
        } else {
            "active"
        }
        .into(),
        username,
        domain: domain.into(),
        firstname: Some(FIRST_NAMES[number % FIRST_NAMES.len()].into()),
        lastname: Some(LAST_NAMES[number / 3 % LAST_NAMES.len()].into()),
        country: Some(COUNTRIES[number % COUNTRIES.len()].into()),
        identity,
        groups,
        without_licence,
        technical: false,
    }
}

fn push_special_users(company: &mut Snapshot) {
    let plain = |number: usize, email: &str, identity| User {
        email: email.into(),
        username: email.into(),
        domain: email.rsplit('@').next().unwrap_or_default().into(),
        identity,
        groups: BTreeSet::new(),
        status: "active".into(),
        ..generated_user(number, &[], &mut fastrand::Rng::with_seed(number as u64))
    };
    let mut nameless = plain(900_001, "nameless@example.com", Identity::Federated);
    (nameless.firstname, nameless.lastname) = (None, None);
    // Two accounts have one email.
    let twin = plain(900_002, "twin@example.com", Identity::Federated);
    let twin_adobe = plain(900_003, "twin@example.com", Identity::Adobe);
    let mut username_only = plain(900_004, "jane.doe@example.com", Identity::Federated);
    username_only.username = "jdoe".into();
    // Requests do not find this account by its email, since its username is another address.
    let mut other_address = plain(900_007, "ann.lee@example.com", Identity::Federated);
    other_address.username = "alee@example.com".into();
    let mut technical = plain(900_005, "7A1B@techacct.adobe.com", Identity::Enterprise);
    technical.technical = true;
    let mut second_technical = plain(900_006, "9C2D@techacct.adobe.com", Identity::Enterprise);
    second_technical.technical = true;
    company.users.extend([
        nameless,
        twin,
        twin_adobe,
        username_only,
        other_address,
        technical,
        second_technical,
    ]);
}
