"""The pieces of a page hold any text, and any path, as what it is."""

from mtnet_tf.reporting import players


def test_titles_are_text():
    page = players.document("R & D <1>", "", [players.section('"a" <b>', ["<c>"], [])])
    assert "<title>R &amp; D &lt;1&gt;</title>" in page and "<h1>R &amp; D &lt;1&gt;</h1>" in page
    assert "<h2>&quot;a&quot; &lt;b&gt;</h2>" in page
    assert 'aria-label="&quot;a&quot; &lt;b&gt;"' in page and "&lt;c&gt;" in page


def test_paths_are_links():
    path = """a "b"/50 %#1?.flac"""
    quoted = "a%20%22b%22/50%20%25%231%3F.flac"
    assert f'src="{quoted}"' in players.player(path, "a")
    assert f'src="{quoted}"' in players.picture(path, "a")
