using Microsoft.ML.Trl.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>All adapters of one model. As long as there are any, the model's own weights are not trained.</summary>
internal sealed class ModelAdapters : IModelAdapters
{
    private readonly DecoderModel _model;
    private readonly List<LoraAdapter> _all = [];
    private readonly Parameter[] _frozen; // weights of the model that were trainable before
    private readonly Dictionary<nint, Tensor> _base = []; // what stood in a parameter that has another's memory now, by its handle
    private readonly HashSet<object> _parameters = new(ReferenceEqualityComparer.Instance);
    private Generator? _dropout;

    private ModelAdapters(DecoderModel model)
    {
        _model = model;
        _frozen = [.. model.parameters().Where(weight => weight.requires_grad)];
        foreach (Parameter weight in _frozen)
            weight.requires_grad = false;
    }

    /// <summary>In the order in which they came.</summary>
    public IReadOnlyList<LoraAdapter> All => _all;

    /// <summary>Whether those that are on are merged into the weights.</summary>
    public bool IsMerged { get; private set; }

    public bool IsTrained => _all.Exists(adapter => adapter is { IsOn: true, IsTrained: true });

    /// <summary>Those of a model; null where it has none.</summary>
    public static ModelAdapters? Of(DecoderModel model) => (ModelAdapters?)model.Adapters;

    /// <summary>Those of a model, which may be none yet.</summary>
    public static ModelAdapters For(DecoderModel model)
    {
        ModelAdapters adapters = Of(model) ?? new ModelAdapters(model);
        model.Adapters = adapters;
        return adapters;
    }

    /// <summary>The adapter of a name.</summary>
    /// <exception cref="ArgumentException">There is none; the message names those that there are.</exception>
    public static LoraAdapter Named(DecoderModel model, string name)
    {
        IReadOnlyList<LoraAdapter> all = Of(model)?.All ?? [];
        string there = all.Count == 0 ? "none" : string.Join(", ", all.Select(adapter => adapter.Name));
        return all.FirstOrDefault(adapter => adapter.Name == name)
            ?? throw new ArgumentException($"The model has no adapter '{name}'; it has {there}.", nameof(name));
    }

    public bool Owns(Parameter parameter) => _parameters.Contains(parameter);

    public Tensor? Replaced(Tensor weight) => _base.GetValueOrDefault(weight.Handle);

    public double RateOf(Tensor parameter)
    {
        LoraAdapter? trained = _all.Find(adapter => adapter.IsTrained);
        bool isFaster = parameter.dim() == 1 || trained?.Parts.Any(at => ReferenceEquals(at.Part.Up, parameter)) == true;
        return isFaster ? trained?.Options.LoraplusLrRatio ?? 1 : 1;
    }

    public void SetDropout(Generator? generator)
    {
        _dropout = generator;
        foreach (LoraAdapter adapter in _all)
            foreach (PlacedLora at in adapter.Parts)
                at.Part.Dropout = new Models.Dropout(adapter.Options.LoraDropout, generator);
    }

    /// <summary>Takes an adapter whose parts are made. It is on; those that are there are trained no more.</summary>
    /// <param name="adapter">Owned from here on.</param>
    public void Add(LoraAdapter adapter)
    {
        foreach (LoraAdapter other in _all)
            other.IsTrained = false;
        _all.Add(adapter);
        _parameters.UnionWith(adapter.Parameters);
        foreach (PlacedLora at in adapter.Parts)
        {
            at.Layer.Take(at.Part);
            at.Part.train(_model.training);
            at.Layer.Adapter ??= new LinearAdapters();
            ((LinearAdapters)at.Layer.Adapter).Add(adapter, at.Part);
        }
        SetDropout(_dropout);
        adapter.IsOn = true;
        Refresh();
    }

    /// <summary>Turns adapters on, and all others off.</summary>
    public void TurnOn(IReadOnlyCollection<LoraAdapter> wanted)
    {
        foreach (LoraAdapter adapter in _all)
            adapter.IsOn = wanted.Contains(adapter);
        Refresh();
    }

    /// <summary>Takes an adapter away and disposes it.</summary>
    public void Remove(LoraAdapter adapter)
    {
        adapter.IsOn = false;
        Refresh();
        _parameters.ExceptWith(adapter.Parameters);
        foreach (PlacedLora at in adapter.Parts)
        {
            var beside = (LinearAdapters)at.Layer.Adapter!;
            beside.Remove(adapter);
            if (beside.IsEmpty)
                at.Layer.Adapter = null;
            at.Layer.Release(at.Part);
            at.Part.Dispose();
        }
        _all.Remove(adapter);
        adapter.Dispose();
        if (_all.Count > 0)
            return;
        foreach (Parameter weight in _frozen)
            weight.requires_grad = true;
        _model.Adapters = null;
    }

    /// <summary>Puts the merged weights in the place of the model's, whose memory is kept.</summary>
    public void Merge()
    {
        LinearModule[] changed = [.. _model.Linears().Select(part => part.Layer).Where(layer => layer.Adapter is { IsActive: true })];
        foreach (LinearModule layer in changed)
        {
            using Tensor merged = layer.Adapter!.Merged(layer, layer.Weight);
            Replace((Parameter)layer.Weight, merged);
        }
        IsMerged = true;
        foreach (LoraAdapter adapter in _all)
        {
            adapter.IsMerged = adapter.IsOn;
            foreach (PlacedLora at in adapter.Parts)
                at.Part.Train(false);
            foreach (OwnWeight own in adapter.Weights)
                own.Weight.requires_grad = false;
        }
    }

    /// <summary>Gives the model its weights back, bit by bit.</summary>
    public void Unmerge()
    {
        foreach (LoraAdapter adapter in _all)
        {
            adapter.IsMerged = false;
            foreach (PlacedLora at in adapter.Parts)
                if (at.Layer.Weight is Parameter weight)
                    Restore(weight);
        }
        IsMerged = false;
        Refresh();
    }

    /// <summary>Makes what the model computes with now its only weights, and takes all adapters away.</summary>
    public void Keep()
    {
        if (!IsMerged)
            Merge();
        foreach (Tensor original in _base.Values)
            original.Dispose();
        _base.Clear();
        foreach (LoraAdapter adapter in _all)
            adapter.IsOn = adapter.IsMerged = false;
        IsMerged = false;
        foreach (LoraAdapter adapter in _all.ToArray())
            Remove(adapter);
    }

    public void ShareWith(DecoderModel other, bool withTrained)
    {
        Dictionary<string, LinearModule> layers = other.Linears().ToDictionary(part => part.Name, part => part.Layer);
        Dictionary<string, Parameter> weights = other.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        foreach (LoraAdapter adapter in _all.Where(adapter => adapter.IsOn && (withTrained || !adapter.IsTrained)))
        {
            PlacedLora[] parts =
            [
                .. adapter.Parts.Where(at => layers.ContainsKey(at.Path)).Select(
                    at => new PlacedLora(at.Path, layers[at.Path], at.Part.Sharing())),
            ];
            OwnWeight[] own =
            [
                .. adapter.Weights.Where(weight => weights.ContainsKey(weight.Name)).Select(
                    weight => new OwnWeight(weight.Name, weights[weight.Name], weight.Own.alias().DetachFromDisposeScope())),
            ];
            For(other).Add(new LoraAdapter(adapter.Name, adapter.Options, parts, own));
        }
    }

    public void Dispose()
    {
        foreach (LoraAdapter adapter in _all)
            adapter.Dispose();
        foreach (Tensor original in _base.Values)
            original.Dispose();
    }

    /// <summary>Gives every parameter the memory that belongs there, and lets those train that are to.</summary>
    private void Refresh()
    {
        using IDisposable frozen = no_grad();
        IEnumerable<(LoraAdapter Adapter, OwnWeight Own)> all =
            _all.SelectMany(adapter => adapter.Weights.Select(own => (Adapter: adapter, Own: own)));
        foreach (var at in all.GroupBy(pair => pair.Own.Weight.Handle).ToArray())
        {
            (LoraAdapter? adapter, OwnWeight? own) = at.LastOrDefault(pair => pair.Adapter.IsOn);
            Parameter weight = at.First().Own.Weight;
            if (own is null)
                Restore(weight);
            else
                Replace(weight, own.Own);
            weight.requires_grad = adapter is { IsTrained: true };
        }
        foreach (LoraAdapter adapter in _all)
            foreach (PlacedLora at in adapter.Parts)
                at.Part.Train(adapter is { IsOn: true, IsTrained: true, IsMerged: false });
    }

    private void Replace(Parameter weight, Tensor value)
    {
        using IDisposable frozen = no_grad();
        if (!_base.ContainsKey(weight.Handle))
            _base[weight.Handle] = weight.detach().DetachFromDisposeScope();
        weight.requires_grad = false;
        weight.set_(value);
    }

    private void Restore(Parameter weight)
    {
        if (!_base.Remove(weight.Handle, out Tensor? original))
            return;
        using IDisposable frozen = no_grad();
        weight.requires_grad = false;
        weight.set_(original);
        original.Dispose();
    }
}
