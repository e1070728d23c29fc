using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Decoding on the CPU in float32: the prompts by tensor operations, each further token in the weights' own memory.</summary>
internal sealed class HostDecodingSession : IDecodingSession
{
    private readonly TensorDecodingSession _prompts;
    private readonly int[] _starts;
    private readonly HostTeam _team;
    private readonly IHostStep _step;
    private readonly Tensor _head;

    private HostDecodingSession(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens, Func<HostTeam, KeyValueCache, IHostStep> step)
    {
        _prompts = new TensorDecodingSession(model, prompts, newTokens);
        int width = prompts.Max(prompt => prompt.Length);
        _starts = [.. prompts.Select(prompt => width - prompt.Length)];
        _team = new HostTeam(Math.Max(1, get_num_threads()));
        _step = step(_team, _prompts.Cache);
        _head = model.HeadWeight;
    }

    /// <summary>A session of this kind where the model allows it, else one of tensor operations.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompts">At least one row, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    public static IDecodingSession Create(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        if (!model.Weights().All(weight => HostMemory.IsUsable(weight.Value)))
            return new TensorDecodingSession(model, prompts, newTokens);
        return model.Body switch
        {
            Gpt2Decoder body when body.Config.Activation is "gelu_new" or "gelu_pytorch_tanh" =>
                new HostDecodingSession(model, prompts, newTokens, (team, cache) => new Gpt2HostStep(body, team, cache)),
            LlamaDecoder body when body.Config.Activation == "silu" =>
                new HostDecodingSession(model, prompts, newTokens, (team, cache) => new LlamaHostStep(body, team, cache)),
            _ => new TensorDecodingSession(model, prompts, newTokens),
        };
    }

    public float[]? States
    {
        get => _prompts.States;
        set => _prompts.States = value;
    }

    public void Start(float[] logits) => _prompts.Start(logits);

    public void Next(int[] rows, int[] tokens, float[] logits)
    {
        KeyValueCache cache = _prompts.Cache;
        cache.CheckRoom(cache.Rows, 1);
        (int vocabulary, int width) = ((int)_head.shape[0], (int)_head.shape[1]);
        unsafe
        {
            float* head = HostMemory.PointerTo(_head);
            fixed (float* pinned = logits)
            {
                float* output = pinned;
                _team.Run(member =>
                {
                    float* hidden = _step.Run(rows, tokens, _starts, cache, member);
                    if (member == 0 && States is { } states)
                        new ReadOnlySpan<float>(hidden, rows.Length * width).CopyTo(states);
                    (int from, int to) = _team.Share(member, vocabulary, 2);
                    SkinnyRows.Run(hidden, rows.Length, width, head, output, vocabulary, from, to, add: false);
                });
            }
        }
        cache.Advance(1);
    }

    public void Dispose()
    {
        _step.Dispose();
        _team.Dispose();
        _prompts.Dispose();
    }
}
