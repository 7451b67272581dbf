import AsyncHTTPClient
import NIOSSL
import NIOCore
