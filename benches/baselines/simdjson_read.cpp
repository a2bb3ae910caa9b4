// Reads all users with libcurl and simdjson into the program's own strings, and reads every field of each.
//
// The program is what a careful C++ programmer would write without a library: one connection kept alive, one buffer and
// one parser for all pages, and each page parsed on demand in one pass.

#include <curl/curl.h>
#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using simdjson::ondemand::array;
using simdjson::ondemand::document;
using simdjson::ondemand::object;
using simdjson::ondemand::parser;
using simdjson::ondemand::value;

namespace {

struct User {
    std::string id, email, status, username, domain, firstname, lastname, country, type;
    std::vector<std::string> groups, tags, admin_roles;
    std::optional<bool> org_specific, business_account;
};

struct Seen {
    std::size_t users = 0, texts = 0, bytes = 0, flags = 0;

    void touch(const std::string &text)
    {
        texts++;
        bytes += text.size();
    }

    void touch(const User &user)
    {
        users++;
        for (const auto *text : {&user.id, &user.email, &user.status, &user.username, &user.domain, &user.firstname,
                                 &user.lastname, &user.country, &user.type})
            touch(*text);
        for (const auto *list : {&user.groups, &user.tags, &user.admin_roles})
            for (const auto &text : *list) touch(text);
        flags += user.org_specific.value_or(false);
        flags += user.business_account.value_or(false);
    }
};

std::string text_of(value json)
{
    return std::string(std::string_view(json.get_string()));
}

std::vector<std::string> list_of(value json)
{
    std::vector<std::string> list;
    for (auto text : json.get_array()) list.push_back(text_of(text.value()));
    return list;
}

User user_of(object json)
{
    User user;
    for (auto field : json) {
        const std::string_view key = field.unescaped_key();
        value content = field.value();
        if (key == "id") user.id = text_of(content);
        else if (key == "email") user.email = text_of(content);
        else if (key == "status") user.status = text_of(content);
        else if (key == "groups") user.groups = list_of(content);
        else if (key == "username") user.username = text_of(content);
        else if (key == "domain") user.domain = text_of(content);
        else if (key == "firstname") user.firstname = text_of(content);
        else if (key == "lastname") user.lastname = text_of(content);
        else if (key == "country") user.country = text_of(content);
        else if (key == "type") user.type = text_of(content);
        else if (key == "tags") user.tags = list_of(content);
        else if (key == "adminRoles") user.admin_roles = list_of(content);
        else if (key == "orgSpecific") user.org_specific = bool(content.get_bool());
        else if (key == "businessAccount") user.business_account = bool(content.get_bool());
    }
    return user;
}

struct Page {
    std::vector<User> users;
    bool last = false;
};

class Reader {
public:
    Reader() : curl_(curl_easy_init(), curl_easy_cleanup), headers_(nullptr, curl_slist_free_all)
    {
        add_header(std::string("Authorization: Bearer ") + std::getenv("UMAPI_TOKEN"));
        add_header(std::string("x-api-key: ") + std::getenv("UMAPI_CLIENT_ID"));
        add_header("Accept: application/json");
        curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, headers_.get());
        curl_easy_setopt(curl_.get(), CURLOPT_BUFFERSIZE, 256L * 1024);
        curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, append);
        curl_easy_setopt(curl_.get(), CURLOPT_WRITEDATA, &body_);
    }

    Page page(int number)
    {
        fetch(std::string(std::getenv("UMAPI_ENDPOINT")) + "/users/" + std::getenv("UMAPI_ORG_ID") + "/"
              + std::to_string(number));
        Page page;
        document answer = parser_.iterate(body_);
        for (auto field : answer.get_object()) {
            const std::string_view key = field.unescaped_key();
            if (key == "lastPage") page.last = field.value().get_bool();
            else if (key == "users")
                for (auto user : field.value().get_array()) page.users.push_back(user_of(user.get_object()));
        }
        return page;
    }

private:
    void add_header(const std::string &line)
    {
        curl_slist *longer = curl_slist_append(headers_.get(), line.c_str());
        headers_.release();
        headers_.reset(longer);
    }

    static std::size_t append(char *data, std::size_t size, std::size_t count, void *body)
    {
        static_cast<std::string *>(body)->append(data, size * count);
        return size * count;
    }

    void fetch(const std::string &url)
    {
        long status = 0;
        body_.clear();
        curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
        if (const CURLcode code = curl_easy_perform(curl_.get()); code != CURLE_OK)
            throw std::runtime_error(curl_easy_strerror(code));
        curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) throw std::runtime_error("HTTP " + std::to_string(status));
        body_.reserve(body_.size() + simdjson::SIMDJSON_PADDING);
    }

    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
    std::string body_;
    parser parser_;
};

} // namespace

int main()
try {
    Reader reader;
    Seen seen;
    for (int number = 0;; number++) {
        const Page page = reader.page(number);
        for (const User &user : page.users) seen.touch(user);
        if (page.last) break;
    }
    std::printf("{\"users\":%zu,\"texts\":%zu,\"bytes\":%zu,\"flags\":%zu}\n", seen.users, seen.texts, seen.bytes,
                seen.flags);
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
