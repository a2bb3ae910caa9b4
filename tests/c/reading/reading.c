/* Tests of users and groups: item by item and page by page, with every query and every field. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_users *users_by(const umapi_client *client, umapi_user_query *query)
{
    umapi_error *error = NULL;
    umapi_users *users = NULL;
    CHECK_OK(umapi_client_users(client, query, &users, &error), error);
    umapi_user_query_free(query);
    return users;
}

/* Reads all users, checks each, and returns their number. */
static size_t read_all(umapi_users *users, int (*good)(const umapi_user *))
{
    umapi_error *error = NULL;
    const umapi_user *user = NULL;
    size_t count = 0;
    for (;;) {
        CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
        if (user == NULL) {
            break;
        }
        CHECK(good == NULL || good(user));
        count++;
    }
    umapi_users_free(users);
    return count;
}

static size_t count_in_state(const char *part)
{
    char *state = control("GET", "/state", NULL);
    size_t count = occurrences(state, part);
    free(state);
    return count;
}

static int has_group(const umapi_user *user, const char *group)
{
    size_t i;
    for (i = 0; i < umapi_user_group_count(user); i++) {
        if (strcmp(umapi_user_group(user, i), group) == 0) {
            return 1;
        }
    }
    return 0;
}

static void item_by_item_over_all_pages(void)
{
    umapi_client *client = new_client();
    size_t all = count_in_state("\"status\":\"active\"") - count_in_state("\"technical\":true");
    CHECK_INT(read_all(users_by(client, NULL), NULL), all);
    CHECK(requests_to("users") >= 3);
    umapi_client_free(client);
}

static void page_by_page_with_statistics(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_users *users = users_by(client, NULL);
    umapi_user_page *page = NULL;
    size_t pages = 0, items = 0;
    int64_t total = (int64_t)count_in_state("\"status\":\"active\"");
    CHECK_INT(umapi_users_total_count(users), -1);
    for (;;) {
        CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
        if (page == NULL) {
            break;
        }
        CHECK_INT(umapi_users_total_count(users), total);
        CHECK_INT(umapi_users_page_count(users), (total + 19) / 20);
        CHECK_INT(umapi_users_current_page(users), pages);
        CHECK_INT(umapi_users_page_size(users), umapi_user_page_length(page));
        CHECK(umapi_user_email(umapi_user_page_get(page, 0)) != NULL);
        CHECK(umapi_user_page_get(page, umapi_user_page_length(page)) == NULL);
        items += umapi_user_page_length(page);
        pages++;
        umapi_user_page_free(page);
    }
    CHECK_INT(pages, (total + 19) / 20);
    CHECK_INT(items, total - (int64_t)count_in_state("\"technical\":true"));
    umapi_users_free(users);
    umapi_client_free(client);
}

static void a_listing_can_be_read_again(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_users *users = users_by(client, NULL);
    const umapi_user *user = NULL;
    char first[128];
    CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    snprintf(first, sizeof first, "%s", umapi_user_email(user));
    CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    CHECK_OK(umapi_users_reload(users, &error), error);
    CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), first);
    CHECK(requests_to("users") >= 2);
    umapi_users_free(users);
    umapi_client_free(client);
}

static void a_failed_page_can_be_requested_again(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_users *users;
    const umapi_user *user = NULL;
    size_t count = 0, failures = 0;
    CHECK_OK(umapi_client_options_set_retry(options, 1, 1, 1000, &error), error);
    client = new_client_with(options);
    /* The page is requested once ahead, which fails at that time, and once for the call that takes it. */
    add_fault("{'endpoint':'users','match':{'path_contains':'/2?'},'times':2,'fault':{'status':{'code':504,'body':'empty'}}}");
    users = users_by(client, NULL);
    for (;;) {
        if (umapi_users_next(users, NULL, &user, &error) != UMAPI_OK) {
            CHECK_INT(umapi_error_status(error), UMAPI_STATUS_SERVER);
            CHECK_INT(umapi_error_http_status(error), 504);
            umapi_error_free(error);
            failures++;
            continue;
        }
        if (user == NULL) {
            break;
        }
        count++;
    }
    CHECK_INT(failures, 1);
    CHECK_INT(count, count_in_state("\"status\":\"active\"") - count_in_state("\"technical\":true"));
    umapi_users_free(users);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static int is_engineer(const umapi_user *user)
{
    return has_group(user, "Engineering");
}

static void users_of_a_group(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user_query *query = umapi_user_query_new();
    CHECK_OK(umapi_user_query_set_group(query, "Engineering", &error), error);
    CHECK(read_all(users_by(client, query), is_engineer) > 5);
    umapi_client_free(client);
}

static int is_designer(const umapi_user *user)
{
    return has_group(user, "Design/UX");
}

static int is_anything(const umapi_user *user)
{
    return has_group(user, "R&D + 100% #1?");
}

static int is_in_zurich(const umapi_user *user)
{
    return has_group(user, "Équipe Zürich 東京");
}

static void difficult_group_names(void)
{
    const struct {
        const char *name;
        int (*good)(const umapi_user *);
    } cases[] = {{"Design/UX", is_designer}, {"R&D + 100% #1?", is_anything}, {"Équipe Zürich 東京", is_in_zurich}};
    umapi_client *client = new_client();
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        umapi_error *error = NULL;
        umapi_user_query *query = umapi_user_query_new();
        CHECK_OK(umapi_user_query_set_group(query, cases[i].name, &error), error);
        CHECK(read_all(users_by(client, query), cases[i].good) > 2);
    }
    umapi_client_free(client);
}

static int is_tester(const umapi_user *user)
{
    return has_group(user, "v2.0 Testers");
}

/* The service ignores what follows the last dot: the error explains this, and the numeric id works. */
static void a_group_name_with_a_dot(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user_query *query = umapi_user_query_new();
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    char *group = group_in_state("v2.0 Testers");
    CHECK_OK(umapi_user_query_set_group(query, "v2.0 Testers", &error), error);
    CHECK_OK(umapi_client_users(client, query, &users, &error), error);
    CHECK_FAILS(umapi_users_next(users, NULL, &user, &error), UMAPI_STATUS_NOT_FOUND, error);
    CHECK_HAS(umapi_error_message(error), "numeric group id");
    umapi_error_free(error);
    umapi_users_free(users);
    CHECK_OK(umapi_user_query_set_group_id(query, strtoll(strstr(group, "\"groupId\":") + 10, NULL, 10), &error), error);
    CHECK(read_all(users_by(client, query), is_tester) > 2);
    free(group);
    umapi_client_free(client);
}

static void a_group_that_does_not_exist_is_an_error(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user_query *query = umapi_user_query_new();
    umapi_users *users;
    const umapi_user *user = NULL;
    CHECK_OK(umapi_user_query_set_group(query, "No such group", &error), error);
    users = users_by(client, query);
    CHECK_FAILS(umapi_users_next(users, NULL, &user, &error), UMAPI_STATUS_NOT_FOUND, error);
    CHECK_TEXT(umapi_error_code(error), "error.group.not_found");
    CHECK_HAS(umapi_error_message(error), "No such group");
    CHECK(user == NULL);
    umapi_error_free(error);
    umapi_users_free(users);
    umapi_client_free(client);
}

static int is_of_the_corporation(const umapi_user *user)
{
    return strcmp(umapi_user_domain(user), "corp.example.com") == 0;
}

static void users_of_a_domain(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user_query *query = umapi_user_query_new();
    CHECK_OK(umapi_user_query_set_domain(query, "corp.example.com", &error), error);
    CHECK(read_all(users_by(client, query), is_of_the_corporation) > 5);
    umapi_client_free(client);
}

static size_t members_of_acrobat(const umapi_client *client, int32_t direct_only)
{
    umapi_error *error = NULL;
    umapi_user_query *query = umapi_user_query_new();
    CHECK_OK(umapi_user_query_set_group(query, "Acrobat Pro DC", &error), error);
    CHECK_OK(umapi_user_query_set_direct_only(query, direct_only, &error), error);
    return read_all(users_by(client, query), NULL);
}

static void indirect_members_of_a_profile(void)
{
    umapi_client *client = new_client();
    CHECK(members_of_acrobat(client, 0) > members_of_acrobat(client, 1));
    umapi_client_free(client);
}

static size_t members_by_status(const umapi_client *client, int32_t status, int (*good)(const umapi_user *))
{
    umapi_error *error = NULL;
    umapi_user_query *query = umapi_user_query_new();
    CHECK_OK(umapi_user_query_set_group(query, "Acrobat Pro DC", &error), error);
    CHECK_OK(umapi_user_query_set_status(query, status, &error), error);
    return read_all(users_by(client, query), good);
}

static int is_disabled(const umapi_user *user)
{
    return strcmp(umapi_user_status(user), "active") != 0;
}

static int disabled_members;

static int count_disabled(const umapi_user *user)
{
    disabled_members += is_disabled(user);
    return 1;
}

/* The status refers to the licence in the profile: a disabled account can be an active member. */
static void members_by_their_status(void)
{
    umapi_client *client = new_client();
    umapi_action *action = user_action("person000038@example.com"); /* a disabled account, which gets a licence */
    umapi_error *error = NULL;
    const char *group = "Acrobat Pro DC";
    size_t active, inactive;
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    execute_successfully(client, action);
    disabled_members = 0;
    active = members_by_status(client, UMAPI_MEMBER_ACTIVE, count_disabled);
    CHECK(disabled_members > 0);
    inactive = members_by_status(client, UMAPI_MEMBER_INACTIVE, NULL);
    CHECK(active > 0 && inactive > 0);
    CHECK_INT(active + inactive, members_of_acrobat(client, 1));
    umapi_client_free(client);
}

static int is_without_groups(const umapi_user *user)
{
    return umapi_user_group_count(user) == 0;
}

static void groups_can_be_excluded(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user_query *query = umapi_user_query_new();
    CHECK_OK(umapi_user_query_set_group(query, "Engineering", &error), error);
    CHECK_OK(umapi_user_query_set_exclude_groups(query, 1, &error), error);
    CHECK(read_all(users_by(client, query), is_without_groups) > 5);
    umapi_client_free(client);
}

static void every_field_of_a_user(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user *user = NULL, *copy;
    size_t length = 0;
    add_fault("{'endpoint':'user','fault':{'rewrite':{'set':{'/user':{'id':'1@a.e','email':'Zoë@example.com','status':"
          "'active','groups':['A/B','_org_admin'],'username':'zoe','domain':'example.com','firstname':'Zoë','lastname':"
          "'O\\u0027Hara','country':'DE','type':'federatedID','tags':['edu'],'adminRoles':['org','support'],'orgSpecific':"
          "true,'businessAccount':false,'somethingNew':[1,{'x':2}]}}}}}");
    CHECK_OK(umapi_client_find_user(client, NULL, "person000002@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_id(user), "1@a.e");
    CHECK_TEXT(umapi_user_email(user), "Zoë@example.com");
    CHECK_TEXT(umapi_user_status(user), "active");
    CHECK_TEXT(umapi_user_username(user), "zoe");
    CHECK_TEXT(umapi_user_domain(user), "example.com");
    CHECK_TEXT(umapi_user_firstname(user), "Zoë");
    CHECK_TEXT(umapi_user_lastname(user), "O'Hara");
    CHECK_TEXT(umapi_user_country(user), "DE");
    CHECK_TEXT(umapi_user_type(user), "federatedID");
    CHECK_INT(umapi_user_identity(user), UMAPI_IDENTITY_FEDERATED);
    CHECK_INT(umapi_user_group_count(user), 2);
    CHECK_TEXT(umapi_user_group(user, 0), "A/B");
    CHECK_TEXT(umapi_user_group(user, 1), "_org_admin");
    CHECK_TEXT(umapi_user_group(user, 2), NULL);
    CHECK_INT(umapi_user_tag_count(user), 1);
    CHECK_TEXT(umapi_user_tag(user, 0), "edu");
    CHECK_INT(umapi_user_admin_role_count(user), 2);
    CHECK_TEXT(umapi_user_admin_role(user, 1), "support");
    CHECK_INT(umapi_user_org_specific(user), 1);
    CHECK_INT(umapi_user_business_account(user), 0);
    CHECK_HAS(umapi_user_json(user), "\"somethingNew\":[1,{\"x\":2}]");
    CHECK_TEXT(umapi_user_text(user, UMAPI_USER_FIRSTNAME, &length), "Zoë");
    CHECK_INT(length, 4);
    copy = umapi_user_copy(user);
    umapi_user_free(user);
    CHECK_TEXT(umapi_user_email(copy), "Zoë@example.com");
    umapi_user_free(copy);
    umapi_client_free(client);
}

static void absent_fields_of_a_user_are_null(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, "nameless@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_firstname(user), NULL);
    CHECK_TEXT(umapi_user_lastname(user), NULL);
    CHECK_INT(umapi_user_tag_count(user), 0);
    umapi_user_free(user);
    umapi_client_free(client);
}

static void one_user_by_email_and_by_username(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, "JANE.DOE@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_username(user), "jdoe");
    umapi_user_free(user);
    CHECK_OK(umapi_client_find_user(client, NULL, "jdoe", "example.com", &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), "jane.doe@example.com");
    umapi_user_free(user);
    umapi_client_free(client);
}

/* Two accounts have one email; the domain selects one of them. */
static void one_user_by_email_and_domain(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    char *requests;
    umapi_action *action = user_action("jane.doe@example.com");
    CHECK_OK(umapi_action_create_user(action, UMAPI_IDENTITY_ADOBE, "jane.doe@example.com", NULL, NULL, NULL,
                                      UMAPI_ON_CONFLICT_IGNORE, &error), error);
    execute_successfully(client, action);
    CHECK_OK(umapi_client_find_user(client, NULL, "jane.doe@example.com", "AdobeID", &user, &error), error);
    CHECK_INT(umapi_user_identity(user), UMAPI_IDENTITY_ADOBE);
    umapi_user_free(user);
    CHECK_OK(umapi_client_find_user(client, NULL, "jane.doe@example.com", "example.com", &user, &error), error);
    CHECK(umapi_user_identity(user) != UMAPI_IDENTITY_ADOBE);
    umapi_user_free(user);
    /* The domain may differ from that of the email. */
    CHECK_OK(umapi_client_find_user(client, NULL, "jane.doe@example.com", "corp.example.com", &user, &error), error);
    CHECK(user == NULL);
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "AdobeID");
    free(requests);
    umapi_client_free(client);
}

/* The status page has two shapes; this is the other one. */
static void the_other_shape_of_the_status_page(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_service *service = NULL;
    add_fault("{'endpoint':'status','fault':{'rewrite':{'set':{'/status':{'state':'LIVE','version':'2.7','build':'b1'}},"
          "'remove':['/state','/version','/build']}}}");
    CHECK_OK(umapi_client_service(client, NULL, &service, &error), error);
    CHECK_TEXT(umapi_service_state(service), "LIVE");
    CHECK_TEXT(umapi_service_version(service), "2.7");
    CHECK_TEXT(umapi_service_build(service), "b1");
    CHECK_HAS(umapi_service_json(service), "\"status\":{");
    umapi_service_free(service);
    umapi_client_free(client);
}

static void no_such_user_is_an_answer(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, "nobody@example.com", NULL, &user, &error), error);
    CHECK(user == NULL);
    CHECK_INT(requests_to("user"), 1);
    umapi_client_free(client);
}

static void all_groups_with_their_fields(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_groups *groups = NULL;
    const umapi_group *group = NULL;
    size_t count = 0, profiles = 0, user_groups = 0;
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    for (;;) {
        CHECK_OK(umapi_groups_next(groups, NULL, &group, &error), error);
        if (group == NULL) {
            break;
        }
        count++;
        CHECK(umapi_group_id(group) > 4294967295);
        CHECK(umapi_group_member_count(group) >= 0);
        CHECK_HAS(umapi_group_json(group), umapi_group_type(group));
        if (strcmp(umapi_group_name(group), "Acrobat Pro DC") == 0) {
            profiles++;
            CHECK_TEXT(umapi_group_type(group), "PRODUCT_PROFILE");
            CHECK_TEXT(umapi_group_admin_group_name(group), "_admin_Acrobat Pro DC");
            CHECK_TEXT(umapi_group_product_name(group), "Acrobat Pro DC (DC1A)");
            CHECK_TEXT(umapi_group_license_quota(group), "UNLIMITED");
        }
        if (strcmp(umapi_group_name(group), "_admin_Acrobat Pro DC") == 0) {
            CHECK_TEXT(umapi_group_product_profile_name(group), "Acrobat Pro DC");
            CHECK_TEXT(umapi_group_profile_group_name(group), "Acrobat Pro DC");
        }
        if (strcmp(umapi_group_name(group), "_developer_Acrobat Pro DC") == 0) {
            size_t length = 0;
            CHECK_TEXT(umapi_group_product_profile_name(group), "Acrobat Pro DC");
            CHECK_TEXT(umapi_group_text(group, UMAPI_GROUP_TYPE, &length), "DEVELOPER_GROUP");
            CHECK_INT(length, strlen("DEVELOPER_GROUP"));
        }
        if (strcmp(umapi_group_name(group), "_admin_Sales") == 0) {
            umapi_group *copy = umapi_group_copy(group);
            user_groups++;
            CHECK_TEXT(umapi_group_user_group_name(copy), "Sales");
            umapi_group_free(copy);
        }
    }
    CHECK_INT(count, count_in_state("\"groupId\":"));
    CHECK_INT(umapi_groups_total_count(groups), count);
    CHECK_INT(profiles + user_groups, 2);
    umapi_groups_free(groups);
    umapi_client_free(client);
}

static void groups_page_by_page_and_again(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_groups *groups = NULL;
    umapi_group_page *page = NULL;
    int round;
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    for (round = 0; round < 2; round++) {
        size_t count = 0;
        for (;;) {
            CHECK_OK(umapi_groups_next_page(groups, NULL, &page, &error), error);
            if (page == NULL) {
                break;
            }
            count += umapi_group_page_length(page);
            CHECK_INT(umapi_groups_page_size(groups), umapi_group_page_length(page));
            CHECK(umapi_group_name(umapi_group_page_get(page, 0)) != NULL);
            umapi_group_page_free(page);
        }
        CHECK_INT(count, count_in_state("\"groupId\":"));
        CHECK_INT(umapi_groups_page_count(groups), (count + 19) / 20);
        CHECK_INT(umapi_groups_current_page(groups), (count + 19) / 20 - 1);
        CHECK_OK(umapi_groups_reload(groups, &error), error);
    }
    umapi_groups_free(groups);
    umapi_client_free(client);
}

static void the_deprecated_listing_shows_which_groups_are_read_only(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_groups *groups = NULL;
    const umapi_group *group = NULL;
    size_t read_only = 0, count = 0;
    control_only("POST", "/settings", "{\"page_size\":3}");
    CHECK_OK(umapi_client_user_groups(client, &groups, &error), error);
    for (;;) {
        CHECK_OK(umapi_groups_next(groups, NULL, &group, &error), error);
        if (group == NULL) {
            break;
        }
        count++;
        if (umapi_group_is_read_only(group) == 1) {
            read_only++;
            CHECK_TEXT(umapi_group_name(group), "Synced from AD");
        }
    }
    CHECK_INT(read_only, 1);
    CHECK_INT(count, count_in_state("\"type\":\"USER_GROUP\""));
    umapi_groups_free(groups);
    umapi_client_free(client);
}

int main(void)
{
    RUN(item_by_item_over_all_pages);
    RUN(page_by_page_with_statistics);
    RUN(a_listing_can_be_read_again);
    RUN(a_failed_page_can_be_requested_again);
    RUN(users_of_a_group);
    RUN(difficult_group_names);
    RUN(a_group_name_with_a_dot);
    RUN(a_group_that_does_not_exist_is_an_error);
    RUN(users_of_a_domain);
    RUN(indirect_members_of_a_profile);
    RUN(members_by_their_status);
    RUN(groups_can_be_excluded);
    RUN(every_field_of_a_user);
    RUN(absent_fields_of_a_user_are_null);
    RUN(one_user_by_email_and_by_username);
    RUN(one_user_by_email_and_domain);
    RUN(the_other_shape_of_the_status_page);
    RUN(no_such_user_is_an_answer);
    RUN(all_groups_with_their_fields);
    RUN(groups_page_by_page_and_again);
    RUN(the_deprecated_listing_shows_which_groups_are_read_only);
    return all_passed();
}
