//! The organisation: its users, its groups, and the domains in which it may create accounts.

mod seed;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use seed::{grow, small_company};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    #[serde(rename = "adobeID")]
    Adobe,
    #[serde(rename = "enterpriseID")]
    Enterprise,
    #[serde(rename = "federatedID")]
    Federated,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub email: String,
    pub status: String,
    pub username: String,
    pub domain: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(rename = "type")]
    pub identity: Identity,
    /// The names of the groups of which the user is a direct member.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// The product profiles in which the user has no licence, and is thus an inactive member.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without_licence: BTreeSet<String>,
    /// A technical account, which is counted in totals and left out of listings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub technical: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub group_id: i64,
    pub group_name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_group_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_quota: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_group_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_profile_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_group_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_name: Option<String>,
    /// Whether directory sync manages the group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The product profiles that a user group gives to its members.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<String>,
}

impl Group {
    fn new(group_id: i64, name: &str, kind: &str) -> Self {
        Group {
            group_id,
            group_name: name.to_owned(),
            kind: kind.to_owned(),
            description: None,
            admin_group_name: None,
            product_name: None,
            license_quota: None,
            user_group_name: None,
            product_profile_name: None,
            profile_group_name: None,
            contract_name: None,
            read_only: false,
            profiles: BTreeSet::new(),
        }
    }
}

pub const USER_GROUP: &str = "USER_GROUP";
pub const PRODUCT_PROFILE: &str = "PRODUCT_PROFILE";

/// The organisation in the form of `--state` files and of the control API.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    /// The domains in which accounts may be created, with the account type of each.
    pub domains: BTreeMap<String, Identity>,
    /// The emails of accounts that belong to another organisation.
    #[serde(default)]
    pub belonging_elsewhere: BTreeSet<String>,
}

/// The key of a user; keys are in the order in which the users were added.
pub type UserKey = u64;

#[derive(Clone, Debug, Default)]
pub struct Org {
    users: BTreeMap<UserKey, User>,
    by_name: HashMap<String, Vec<UserKey>>,
    groups: Vec<Group>,
    group_positions: HashMap<String, usize>,
    pub domains: BTreeMap<String, Identity>,
    pub belonging_elsewhere: BTreeSet<String>,
    next_user: UserKey,
    next_group: i64,
}

impl Org {
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let mut org = Org {
            domains: snapshot.domains,
            belonging_elsewhere: snapshot.belonging_elsewhere,
            next_group: 1 + snapshot
                .groups
                .iter()
                .map(|g| g.group_id)
                .max()
                .unwrap_or(0),
            groups: snapshot.groups,
            ..Org::default()
        };
        org.index_groups();
        for user in snapshot.users {
            org.insert(user);
        }
        org
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            users: self.users.values().cloned().collect(),
            groups: self.groups.clone(),
            domains: self.domains.clone(),
            belonging_elsewhere: self.belonging_elsewhere.clone(),
        }
    }

    fn index_groups(&mut self) {
        let positions = self.groups.iter().enumerate();
        self.group_positions = positions
            .map(|(position, group)| (group.group_name.to_lowercase(), position))
            .collect();
    }

    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub fn user(&self, key: UserKey) -> &User {
        &self.users[&key]
    }

    pub fn user_mut(&mut self, key: UserKey) -> &mut User {
        self.users
            .get_mut(&key)
            .expect("keys are found by look-ups")
    }

    /// The names that a user is found by: the username, the username within its domain, and the email, unless the
    /// username is another address.
    fn names(user: &User) -> BTreeSet<String> {
        let (email, username) = (user.email.to_lowercase(), user.username.to_lowercase());
        let within_domain = format!("{username}\n{}", user.domain.to_lowercase());
        let is_another_address = username.contains('@') && username != email;
        let email = (!is_another_address).then_some(email);
        [username, within_domain].into_iter().chain(email).collect()
    }

    /// Whether accounts may be created in the domain, or an account of it exists.
    pub fn knows_domain(&self, domain: &str) -> bool {
        let is_it = |own: &str| own.eq_ignore_ascii_case(domain);
        self.domains.keys().any(|own| is_it(own)) || self.users().any(|user| is_it(&user.domain))
    }

    pub fn member_count(&self, group: &str) -> usize {
        self.users()
            .filter(|user| user.groups.contains(group))
            .count()
    }

    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    pub fn insert(&mut self, user: User) -> UserKey {
        let key = self.next_user;
        self.next_user += 1;
        for name in Org::names(&user) {
            self.by_name.entry(name).or_default().push(key);
        }
        self.users.insert(key, user);
        key
    }

    pub fn remove(&mut self, key: UserKey) -> Option<User> {
        let user = self.users.remove(&key)?;
        self.forget_names(key, &user);
        Some(user)
    }

    fn forget_names(&mut self, key: UserKey, user: &User) {
        for name in Org::names(user) {
            if let Some(keys) = self.by_name.get_mut(&name) {
                keys.retain(|k| *k != key);
            }
        }
    }

    /// Changes the names by which a user is found.
    pub fn rename(&mut self, key: UserKey, change: impl FnOnce(&mut User)) {
        let before = self.users[&key].clone();
        self.forget_names(key, &before);
        change(self.user_mut(key));
        for name in Org::names(&self.users[&key].clone()) {
            self.by_name.entry(name).or_default().push(key);
        }
    }

    /// All accounts with that email or username, regardless of letter case.
    pub fn find_all(&self, name: &str, domain: Option<&str>) -> Vec<UserKey> {
        let name = match domain {
            Some(domain) => format!("{name}\n{domain}"),
            None => name.to_owned(),
        };
        let keys = self.by_name.get(&name.to_lowercase());
        keys.cloned().unwrap_or_default()
    }

    /// The account that a name refers to. If an Adobe ID and another account share the name, it is the other account,
    /// unless `use_adobe_id` is set.
    pub fn find(&self, name: &str, domain: Option<&str>, use_adobe_id: bool) -> Option<UserKey> {
        let keys = self.find_all(name, domain);
        let is_adobe = |key: &&UserKey| self.users[key].identity == Identity::Adobe;
        if use_adobe_id {
            return keys.iter().find(is_adobe).copied();
        }
        let other = keys.iter().find(|key| !is_adobe(key));
        other.or(keys.first()).copied()
    }

    /// The account that a query for one user refers to, in the given domain; the domain `AdobeID` means an Adobe ID.
    pub fn find_for_query(&self, name: &str, domain: Option<&str>) -> Option<&User> {
        let Some(domain) = domain else {
            return self.find(name, None, false).map(|key| self.user(key));
        };
        let users = self.find_all(name, None);
        let mut users = users.into_iter().map(|key| self.user(key));
        users.find(|user| match domain.eq_ignore_ascii_case("AdobeID") {
            true => user.identity == Identity::Adobe,
            false => user.identity != Identity::Adobe && user.domain.eq_ignore_ascii_case(domain),
        })
    }

    pub fn group(&self, name: &str) -> Option<&Group> {
        let position = self.group_positions.get(&name.to_lowercase())?;
        self.groups.get(*position)
    }

    pub fn group_mut(&mut self, name: &str) -> Option<&mut Group> {
        let position = self.group_positions.get(&name.to_lowercase())?;
        self.groups.get_mut(*position)
    }

    pub fn group_by_id(&self, id: i64) -> Option<&Group> {
        self.groups.iter().find(|group| group.group_id == id)
    }

    /// Adds a user group, and the group of its administrators.
    pub fn add_user_group(&mut self, name: &str, description: Option<String>) {
        let admins = format!("_admin_{name}");
        let mut group = Group::new(self.next_group, name, USER_GROUP);
        group.description = description;
        group.admin_group_name = Some(admins.clone());
        let mut admin_group = Group::new(self.next_group + 1, &admins, "USER_ADMIN_GROUP");
        admin_group.user_group_name = Some(name.to_owned());
        self.next_group += 2;
        self.groups.extend([group, admin_group]);
        self.index_groups();
    }

    pub fn remove_user_group(&mut self, name: &str) {
        let Some(group) = self.group(name).cloned() else {
            return;
        };
        let gone = [Some(group.group_name), group.admin_group_name];
        let is_gone = |name: &String| gone.iter().flatten().any(|gone| gone == name);
        self.groups.retain(|group| !is_gone(&group.group_name));
        self.index_groups();
        for user in self.users.values_mut() {
            user.groups.retain(|name| !is_gone(name));
        }
    }

    pub fn rename_user_group(&mut self, name: &str, new_name: &str) {
        let Some(group) = self.group_mut(name) else {
            return;
        };
        let old = std::mem::replace(&mut group.group_name, new_name.to_owned());
        let new_admins = format!("_admin_{new_name}");
        let old_admins = group.admin_group_name.replace(new_admins.clone());
        if let Some(admins) = old_admins
            .as_deref()
            .and_then(|admins| self.group_mut(admins))
        {
            admins.group_name = new_admins.clone();
            admins.user_group_name = Some(new_name.to_owned());
        }
        self.index_groups();
        let renamed = [(Some(old), new_name.to_owned()), (old_admins, new_admins)];
        for user in self.users.values_mut() {
            for (old, new) in &renamed {
                if old.as_ref().is_some_and(|old| user.groups.remove(old)) {
                    user.groups.insert(new.clone());
                }
            }
        }
    }

    pub fn member_counts(&self) -> HashMap<&str, usize> {
        let mut counts = HashMap::new();
        for name in self.users.values().flat_map(|user| &user.groups) {
            *counts.entry(name.as_str()).or_default() += 1;
        }
        counts
    }

    /// Whether the user is a direct member of the group or, with `indirect`, gets it through a user group.
    pub fn is_member(&self, user: &User, group: &str, indirect: bool) -> bool {
        user.groups.contains(group)
            || indirect
                && user.groups.iter().any(|name| {
                    self.group(name)
                        .is_some_and(|through| through.profiles.contains(group))
                })
    }
}
