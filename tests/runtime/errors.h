// Asks a call for its error, so that a test can say which code and which words it expects.
#pragma once

#include "runtime/error.h"

#include <gtest/gtest.h>

#include <string>

namespace kine {

/// "" and a failure unless `call` throws an Error with `code`.
template <class Call>
std::string error_of(ErrorCode code, const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "expected an error with code " << static_cast<int>(code);
    return "";
}

template <class Call>
void expect_error(ErrorCode code, std::string_view part, const Call& call) {
    const std::string message = error_of(code, call);
    EXPECT_NE(message.find(part), std::string::npos) << "message: " << message << "\nexpected part: " << part;
}

}  // namespace kine
