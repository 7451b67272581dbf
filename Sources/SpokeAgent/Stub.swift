import Subprocess
import NIOSSL
