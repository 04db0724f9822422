# SPDX-License-Identifier: GPL-2.0-or-later
from livekit_studio import *
from livekit_studio import __all__ as __all__
from livekit_studio import __version__ as __version__
