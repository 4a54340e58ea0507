// The fence around Asio: io_thread.cc, stream.cc and asio_impl.cc are the only files that include this.
//
// Asio is compiled once, in asio_impl.cc, which saves two seconds in each of the others.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_NO_DEPRECATED

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

}  // namespace net
