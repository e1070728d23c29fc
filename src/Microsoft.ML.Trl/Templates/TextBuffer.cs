using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>A text that grows within the limits of a rendering.</summary>
internal sealed class TextBuffer(Rendering run)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public TextBuffer Append(string text)
    {
        run.Characters(text.Length);
        if (_text.Length + (long)text.Length > run.LengthLimit)
            run.Characters(_text.Length + (long)text.Length); // too long
        _text.Append(text);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
