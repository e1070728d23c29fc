namespace Microsoft.ML.Trl;

/// <summary>Rotary position embedding of the LLaMA family: arXiv:2104.09864, with the context extensions of its checkpoints.</summary>
public sealed record RopeSettings
{
    /// <summary>Largest width of a head whose angles are worked out; a hundred times that of any known model.</summary>
    internal const int WidestHead = 65_536;

    private static readonly string[] Types = ["default", "linear", "dynamic", "llama3", "yarn", "longrope"];

    /// <summary>Base of the wave lengths. Greater than 0.</summary>
    public double Theta { get; init; } = 10_000;

    /// <summary>
    /// <c>default</c>, <c>linear</c> (arXiv:2306.15595), <c>dynamic</c> (which within the context is the default), <c>llama3</c> (the LLaMA
    /// 3.1 model card), <c>yarn</c> (arXiv:2309.00071) or <c>longrope</c> (arXiv:2402.13753).
    /// </summary>
    public string Type { get; init; } = "default";

    /// <summary>How many times longer the context became; used by all types but <c>default</c>.</summary>
    public double Factor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves longer than the original context divided by this are slowed by <see cref="Factor"/>.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves shorter than the original context divided by this stay as they are.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary><c>llama3</c>, <c>yarn</c> and <c>longrope</c>: context length before the extension, in tokens.</summary>
    public int OriginalContextLength { get; init; } = 8192;

    /// <summary><c>yarn</c>: dimensions that turn more often than this in the original context stay as they are.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary><c>yarn</c>: dimensions that turn less often than this are slowed by <see cref="Factor"/>.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary><c>yarn</c>: whether the dimensions between which frequencies are mixed are rounded to whole ones.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>
    /// <c>yarn</c> and <c>longrope</c>: length of queries and keys, relative to before; null = what follows from <see cref="Factor"/>.
    /// </summary>
    public double? AttentionFactor { get; init; }

    /// <summary>
    /// <c>yarn</c>, beside <see cref="MscaleAllDim"/>: without an <see cref="AttentionFactor"/> it is (0.1 m ln(<see cref="Factor"/>) + 1)
    /// / (0.1 n ln(<see cref="Factor"/>) + 1), with this m and that n. Null or 0 = no such quotient.
    /// </summary>
    public double? Mscale { get; init; }

    /// <summary>See <see cref="Mscale"/>.</summary>
    public double? MscaleAllDim { get; init; }

    /// <summary><c>longrope</c>: by what each pair of dimensions is slowed in texts of the original context or less.</summary>
    public IReadOnlyList<double> ShortFactor { get; init; } = [];

    /// <summary><c>longrope</c>: by what each pair of dimensions is slowed in longer texts.</summary>
    public IReadOnlyList<double> LongFactor { get; init; } = [];

    /// <summary>Tokens up to which texts are read by <see cref="ShortFactor"/>; null where all are read alike.</summary>
    internal int? LongestShortText => Type == "longrope" ? OriginalContextLength : null;

    /// <summary>Length of queries and keys, relative to before they are turned.</summary>
    internal double Scale => Type switch
    {
        "yarn" => AttentionFactor
            ?? (Mscale is not (null or 0) && MscaleAllDim is not (null or 0) ? YarnScale(Mscale.Value) / YarnScale(MscaleAllDim.Value)
                : YarnScale(1)),
        "longrope" => AttentionFactor ?? (Factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(Factor) / Math.Log(OriginalContextLength)))),
        _ => 1,
    };

    /// <summary>Checks that angles follow from these numbers.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    /// <exception cref="NotSupportedException">There is no such <see cref="Type"/>.</exception>
    internal void Check(string source)
    {
        if (!Types.Contains(Type))
            throw new NotSupportedException(
                $"{source}: rotary positions of type '{Type}' are not supported; supported are {string.Join(", ", Types)}.");
        double[] numbers =
            [Theta, Factor, LowFrequencyFactor, HighFrequencyFactor, OriginalContextLength, BetaSlow, AttentionFactor ?? 1];
        if (!numbers.All(number => number > 0 && double.IsFinite(number)) || HighFrequencyFactor <= LowFrequencyFactor
            || BetaFast <= BetaSlow)
            throw new InvalidDataException(
                $"{source}: the rotary settings {this} need positive numbers, a high_freq_factor above the low_freq_factor and a "
                + "beta_fast above beta_slow.");
        if (ShortFactor is null || LongFactor is null)
            throw new InvalidDataException($"{source}: short_factor or long_factor is null; give an empty list for no factors.");
        if (!ShortFactor.Concat(LongFactor).Append(Scale).All(factor => factor > 0 && double.IsFinite(factor)))
            throw new InvalidDataException(FormattableString.Invariant(
                $"{source}: short_factor is [{string.Join(", ", ShortFactor)}], long_factor [{string.Join(", ", LongFactor)}], ")
                + FormattableString.Invariant($"and queries and keys are made {Scale} times as long (attention_factor, or what follows ")
                + "from factor, mscale and mscale_all_dim); all must be finite numbers greater than 0.");
    }

    /// <summary>Checks that there is a factor for each pair of dimensions.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <param name="width">Dimensions of a head that are turned.</param>
    /// <exception cref="InvalidDataException">There is not.</exception>
    internal void CheckFactors(string source, int width)
    {
        if (Type == "longrope" && (ShortFactor.Count != width / 2 || LongFactor.Count != width / 2))
            throw new InvalidDataException(
                $"{source}: short_factor has {ShortFactor.Count} numbers, long_factor {LongFactor.Count}; each needs {width / 2}, one for "
                + $"each pair of the {width} dimensions that are turned.");
    }

    /// <summary>Turns per token of each pair of dimensions, in radians.</summary>
    /// <param name="width">Dimensions of a head that are turned; even.</param>
    /// <param name="isLong">Whether of texts longer than <see cref="LongestShortText"/>.</param>
    /// <returns>width / 2 numbers.</returns>
    internal float[] Frequencies(int width, bool isLong = false)
    {
        if (Type == "yarn")
            return Yarn(width);
        if (Type == "longrope")
            return [.. (isLong ? LongFactor : ShortFactor).Select(
                (factor, i) => 1f / ((float)factor * MathF.Pow((float)Theta, 2f * i / width)))];
        float[] frequencies = new float[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Scaled(1f / MathF.Pow((float)Theta, 2f * i / width));
        return frequencies;
    }

    private double YarnScale(double mscale) => Factor <= 1 ? 1 : (0.1 * mscale * Math.Log(Factor)) + 1;

    private float Scaled(float frequency) => Type switch
    {
        "linear" => (float)(frequency / Factor),
        "llama3" => Llama3(frequency),
        _ => frequency,
    };

    private float Llama3(float frequency)
    {
        double wave = 2 * Math.PI / frequency;
        if (wave < OriginalContextLength / HighFrequencyFactor)
            return frequency;
        if (wave > OriginalContextLength / LowFrequencyFactor)
            return (float)(frequency / Factor);
        double kept = ((OriginalContextLength / wave) - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (float)(((1 - kept) * frequency / Factor) + (kept * frequency));
    }

    /// <summary>arXiv:2309.00071, Eq. 13 and 14: between the two betas both frequencies are mixed.</summary>
    private float[] Yarn(int width)
    {
        double Dimension(double turns) => width * Math.Log(OriginalContextLength / (turns * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Dimension(BetaFast), high = Dimension(BetaSlow);
        if (Truncate)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(0, low), Math.Min(width - 1, high));
        if (low == high)
            high += 0.001;
        float[] frequencies = new float[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double frequency = 1 / Math.Pow(Theta, 2.0 * i / width), slowed = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = (float)((frequency / Factor * slowed) + (frequency * (1 - slowed)));
        }
        return frequencies;
    }
}
